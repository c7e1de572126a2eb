import { type Me, meSchema } from '../../sync-server/protocol/wire.ts';
import { cookieOf, OfficeCaller } from './office-caller.ts';

export const OWNER = { email: 'owner@office.test', password: 'the owner knows' } as const;

/** Somebody who is signed in, by cookie. */
export interface Signed {
  readonly me: Me;
  readonly caller: OfficeCaller;
}

export async function signIn(
  urlOf: () => string,
  credentials: { email: string; password: string } = OWNER,
): Promise<Signed> {
  const nobody = new OfficeCaller(urlOf);
  const answer = await nobody.request('POST', '/api/auth/sign-in/email', {
    body: credentials,
    headers: { origin: urlOf() },
  });
  if (answer.status !== 200) throw new Error(`not signed in: ${answer.status} ${answer.text}`);
  const caller = new OfficeCaller(urlOf, { cookie: cookieOf(answer) });
  return { me: await caller.call('me', {}), caller };
}

/** Makes a member of the office by an invite, signed in. */
export async function addMember(owner: OfficeCaller, name: string): Promise<Signed> {
  const { link } = await owner.call('invite', { body: {} });
  const token = new URL(link).hash.slice(1);
  const nobody = new OfficeCaller(() => owner.url);
  const answer = await nobody.send('acceptInvite', {
    body: { token, name, email: `${name}@office.test`, password: `${name} knows this` },
  });
  if (answer.status !== 201) throw new Error(`not taken in: ${answer.status} ${answer.text}`);
  return { me: meSchema.parse(answer.json), caller: new OfficeCaller(() => owner.url, { cookie: cookieOf(answer) }) };
}

/** A program that acts as this person by a key. */
export async function withApiKey(caller: OfficeCaller): Promise<OfficeCaller> {
  const { key } = await caller.call('makeApiKey', { body: { name: 'a script' } });
  return new OfficeCaller(() => caller.url, { authorization: `Bearer ${key}` });
}
