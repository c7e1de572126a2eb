import {
  AGENTS,
  type Agent,
  agentOf,
  councilOf,
  DEPARTMENTS,
  departmentOf,
  ROLES,
  type RoleKey,
} from '../../sync-server/protocol/organisation.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';

/** What each role looks at first, so that six voices of one department don't say the same. */
const VIEW_OF_ROLE: Readonly<Record<RoleKey, string>> = {
  advisor_a: 'the long view: what this does to the strategy, and what you would recommend to decide',
  advisor_b: 'the way there: the practical approach, its order, and what can be made simpler',
  scout_internal: 'the inside: which people, time, money and knowledge of ours this needs, and what is in the way',
  scout_external: 'the outside: market, competitors, customers, rules and trends that bear on this',
  synth: 'the whole: what the others say taken together, and where they disagree',
  executor: 'the next step: who does what first, by when, and how we will know that it worked',
};

const isRoleKey = (role: string | null): role is RoleKey => ROLES.some(({ key }) => key === role);

/** What an agent looks at first; its expertise where it has no role of a department. */
export const viewOf = (agent: Agent): string => (isRoleKey(agent.role) ? VIEW_OF_ROLE[agent.role] : agent.expertise);

/** Name and title for a list: "Emma BuildPro (Strategy Advisor)". */
export function nameOf(agentId: string): string {
  const agent = agentOf(agentId);
  return agent ? `${agent.name} (${agent.title})` : agentId;
}

/** Who an agent is, in the second person. The first words are always "You are <name>,". */
export function personaOf(agent: Agent): string {
  switch (agent.kind) {
    case 'vice-president':
      return executivePersona(agent);
    case 'department':
      return departmentPersona(agent);
    case 'council':
      return councilPersona(agent);
    default:
      return unreachable(agent.kind);
  }
}

function executivePersona(agent: Agent): string {
  const departments = DEPARTMENTS.map(({ name, about }) => `${name} (${about.toLowerCase()})`).join('; ');
  return [
    `You are ${agent.name}, ${agent.title} of this office.`,
    `Departments that work with you: ${departments}.`,
    'You see the whole: set priorities, weigh one department against another, decide what you can, and say which department or colleague to ask where they know better.',
  ].join(' ');
}

function departmentPersona(agent: Agent): string {
  const department = departmentOf(agent.group ?? '');
  const colleagues = AGENTS.filter(({ group, id }) => group === agent.group && id !== agent.id)
    .map(({ name, title }) => `${name}, ${title}`)
    .join('; ');
  return [
    `You are ${agent.name}, ${agent.title} in the department ${department?.name ?? agent.group} of this office.`,
    `The department's field: ${department?.about ?? ''} (${department?.expertise ?? ''}).`,
    `Your part: ${isRoleKey(agent.role) ? doesOf(agent.role) : agent.expertise}. You look first at ${viewOf(agent)}.`,
    `Your colleagues: ${colleagues}.`,
  ].join(' ');
}

const doesOf = (role: RoleKey): string => ROLES.find(({ key }) => key === role)?.does ?? '';

function councilPersona(agent: Agent): string {
  const council = councilOf(agent.group ?? '');
  const place = `the ${council?.name ?? agent.group} of this office (${council?.about ?? ''})`;
  if (agent.role === 'chair')
    return `You are ${agent.name}, who leads ${place}. You hold no position of your own: you weigh what the seats say and state what follows.`;
  return `You are ${agent.name}, ${agent.title} on ${place}. You protect what your field knows: ${agent.expertise}.`;
}
