import { OfficeError } from '../protocol/errors.ts';
import {
  agentsOf,
  COUNCILS,
  type Council,
  councilOf,
  DEPARTMENTS,
  type Department,
  departmentOf,
  seatAgentId,
} from '../protocol/organisation.ts';
import type { WireCouncil } from '../protocol/wire.ts';
import { type Mount, SUCCESS } from './mount.ts';
import type { OfficeContext } from './office-context.ts';

/** Routes about the organisation: departments, councils and their debates. */
export function mountOrganisation(mount: Mount, office: OfficeContext): void {
  const { sessionStore, councils, councilStore, sessions } = office;
  const wireCouncil = (council: Council): WireCouncil => ({
    id: council.id,
    name: council.name,
    colour: council.colour,
    about: council.about,
    enabled: councilStore.isCouncilEnabled(council.id),
    experts: council.seats.map((seat) => ({
      id: seat.id,
      name: seat.name,
      title: seat.title,
      agent_id: seatAgentId(council.id, seat.id),
      enabled: councilStore.isSeatEnabled(council.id, seat.id),
    })),
  });

  mount('departments', () => ({ departments: DEPARTMENTS.map(wireDepartment) }));
  mount('department', ({ params }) => ({ department: wireDepartment(requireDepartment(params.slug)) }));
  mount('departmentAgents', ({ params }) => ({ agents: wireDepartment(requireDepartment(params.slug)).agents }));
  mount('departmentSessions', ({ person, params, query }) => {
    const { slug } = requireDepartment(params.slug);
    return sessionStore.list(person, { category: slug, limit: query.limit, cursor: query.cursor });
  });

  mount('councils', () => ({ councils: COUNCILS.map(wireCouncil) }));
  mount('council', ({ params }) => ({ council: wireCouncil(requireCouncil(params.id)) }));
  mount('toggleCouncil', ({ params }) => {
    const council = requireCouncil(params.id);
    const enabled = councilStore.toggleCouncil(council.id);
    const payload = { council_id: council.id, enabled };
    office.publish([
      { type: 'council.updated', entityType: 'council', entityId: council.id, sessionId: null, payload },
    ]);
    return { ...SUCCESS, council: wireCouncil(council) };
  });
  mount('toggleExpert', ({ params }) => {
    const council = requireCouncil(params.id);
    if (!council.seats.some((seat) => seat.id === params.eid)) throw new OfficeError('unknown', 'no such seat');
    const enabled = councilStore.toggleSeat(council.id, params.eid);
    const payload = { council_id: council.id, expert_id: params.eid, enabled };
    office.publish([
      { type: 'council.member.updated', entityType: 'council', entityId: council.id, sessionId: null, payload },
    ]);
    return { ...SUCCESS, council: wireCouncil(council) };
  });
  mount('startDebate', async ({ person, params, body }) => {
    const council = requireCouncil(params.id);
    const sessionId = await councils.startDebate(person, council, body);
    return { ...SUCCESS, session_id: sessionId, council_id: council.id, topic: body.topic };
  });
  mount('debateMessage', async ({ person, params, body }) => {
    councils.requireSession(person, requireCouncil(params.id), params.sid);
    return { ...SUCCESS, message: await sessions.postMessage(person, params.sid, body) };
  });
  mount('debate', ({ person, params }) => councils.debate(person, requireCouncil(params.id), params.sid));
  mount('synthesizeDebate', async ({ person, params }) => {
    await councils.synthesize(person, requireCouncil(params.id), params.sid);
    return { ...SUCCESS };
  });
}

function requireDepartment(slug: string): Department {
  const department = departmentOf(slug);
  if (!department) throw new OfficeError('unknown', 'no such department');
  return department;
}

function requireCouncil(id: string): Council {
  const council = councilOf(id);
  if (!council) throw new OfficeError('unknown', 'no such council');
  return council;
}

function wireDepartment(department: Department) {
  const { slug, name, colour, about, expertise } = department;
  const agents = agentsOf(department).map(({ id, name, title, role, expertise }) => ({
    id,
    name,
    title,
    role,
    expertise,
  }));
  return { slug, name, colour, about, expertise, agents };
}
