import type { SignedIn } from '../../persistence/accounts/accounts.ts';
import type { Person } from '../protocol/principal.ts';
import type { Me, WireMember } from '../protocol/wire.ts';
import { welcome } from '../welcome.ts';
import { type Mount, SUCCESS } from './mount.ts';
import type { OfficeContext } from './office-context.ts';

/** Routes about people: the owner, invites, members, passwords, API keys. */
export function mountPeople(mount: Mount, office: OfficeContext): void {
  const { accounts } = office;
  const me = (person: Person): Me => ({
    id: person.id,
    name: person.name,
    email: person.email,
    role: person.role,
    office_time: office.clock.now(),
  });
  const signIn = ({ person, headers }: SignedIn, answerHeaders: Headers): Me => {
    for (const cookie of headers.getSetCookie()) answerHeaders.append('set-cookie', cookie);
    return me(person);
  };
  const link = (page: string, { token, expiresAt }: { token: string; expiresAt: string }) => ({
    ...SUCCESS,
    link: `${office.baseUrl()}/${page}#${token}`,
    expires_at: expiresAt,
  });

  mount('officeState', () => ({ has_owner: accounts.hasOwner() }));
  mount('me', async ({ person, headers, answerHeaders }) => {
    for (const cookie of await accounts.prolong(headers)) answerHeaders.append('set-cookie', cookie);
    return me(person);
  });
  mount('createOwner', async ({ body, answerHeaders }) => {
    const owner = await accounts.createOwner(body);
    await welcome(owner.person, office.sessions);
    return signIn(owner, answerHeaders);
  });
  mount('acceptInvite', async ({ body, answerHeaders }) => signIn(await accounts.acceptInvite(body), answerHeaders));
  mount('invite', ({ body, person }) =>
    link(
      'invite',
      accounts.issueInvite(person, {
        ...(body.email !== undefined && { email: body.email }),
        ...(body.role !== undefined && { role: body.role }),
      }),
    ),
  );
  mount('members', ({ person }) => ({ members: accounts.members().map((member) => wireMember(member, person)) }));
  mount('updateMember', ({ params, body, person }) => {
    accounts.setDisabled(params.id, body.disabled);
    if (body.disabled) office.scheduler.cancelQueuedOf(params.id);
    const member = accounts.members().find(({ id }) => id === params.id);
    if (!member) throw new Error('the member was just changed and is not there');
    return { ...SUCCESS, member: wireMember(member, person) };
  });
  mount('resetLink', ({ params }) => link('reset', accounts.issueResetLink(params.id)));
  mount('resetPassword', async ({ body }) => {
    await accounts.resetPassword(body);
    return { ...SUCCESS };
  });
  mount('signOutOthers', async ({ person, headers }) => {
    await accounts.signOutOtherDevices(person.id, headers);
    return { ...SUCCESS };
  });
  mount('apiKeys', ({ person }) => ({
    keys: accounts.apiKeys(person.id).map(({ id, name, createdAt }) => ({ id, name, created_at: createdAt })),
  }));
  mount('makeApiKey', async ({ person, body }) => ({
    ...SUCCESS,
    ...(await accounts.makeApiKey(person.id, body.name)),
  }));
  mount('revokeApiKey', ({ person, params }) => {
    accounts.revokeApiKey(person.id, params.id);
    return { ...SUCCESS };
  });
}

type Member = ReturnType<OfficeContext['accounts']['members']>[number];

function wireMember(member: Member, viewer: Person): WireMember {
  const isForEyes = viewer.role === 'owner' || viewer.id === member.id;
  return {
    id: member.id,
    name: member.name,
    role: member.role,
    disabled: member.disabled,
    created_at: member.createdAt,
    ...(isForEyes && { email: member.email }),
  };
}
