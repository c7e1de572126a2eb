import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getMigrations } from 'better-auth/db/migration';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type Accounts,
  createAccounts,
  INVITE_LIFETIME_MS,
  RESET_LIFETIME_MS,
} from '../../persistence/accounts/accounts.ts';
import { authOptions, MAX_SIGN_INS_PER_MINUTE } from '../../persistence/accounts/auth.ts';
import { readOrCreateSecret } from '../../persistence/accounts/secret-files.ts';
import { type Database, openDatabase } from '../../persistence/database.ts';

const BASE_URL = 'http://127.0.0.1:7433';
const ANN = { email: 'Ann@Example.org ', name: 'Ann', password: 'correct horse' };
const BOB = { email: 'bob@example.org', name: 'Bob', password: 'battery staple' };

let folder: string;
let database: Database;
let accounts: Accounts;
let nowMs: number;
let changed: string[];
let addresses = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daena-accounts-'));
  database = openDatabase(join(folder, 'office.sqlite'));
  nowMs = Date.now();
  accounts = createAccounts(settings());
  changed = [];
  accounts.onGrantChange(({ personId }) => changed.push(personId));
});

afterEach(async () => {
  database.close();
  await rm(folder, { recursive: true, force: true });
});

const settings = () => ({
  database,
  baseUrl: BASE_URL,
  secret: readOrCreateSecret(join(folder, 'auth.secret')),
  trustedOrigins: ['http://office.example'],
  secureCookies: false,
  now: () => nowMs,
});

/** A request as a browser on the office's own page makes it, from an address of its own. */
function ask(
  method: string,
  path: string,
  options: { cookie?: string; body?: unknown; origin?: string; from?: string } = {},
) {
  const headers = new Headers({ origin: options.origin ?? BASE_URL });
  if (options.cookie !== undefined) headers.set('cookie', options.cookie);
  if (options.body !== undefined) headers.set('content-type', 'application/json');
  const body = options.body === undefined ? null : JSON.stringify(options.body);
  return accounts.handler(
    new Request(`${BASE_URL}/api/auth${path}`, { method, headers, body }),
    options.from ?? `10.0.0.${++addresses}`,
  );
}

const signIn = (email: string, password: string, options: { origin?: string; from?: string } = {}) =>
  ask('POST', '/sign-in/email', { ...options, body: { email, password } });

const cookieOf = (headers: Headers) =>
  headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
const withCookie = (cookie: string) => new Headers({ cookie });
const withKey = (key: string) => new Headers({ authorization: `Bearer ${key}` });

async function makeOwner() {
  const { person, headers } = await accounts.createOwner({ ...ANN, token: null });
  return { person, cookie: cookieOf(headers) };
}

async function makeMember(owner: Awaited<ReturnType<typeof makeOwner>>) {
  const { token } = accounts.issueInvite(owner.person);
  const { person, headers } = await accounts.acceptInvite({ ...BOB, token });
  return { person, cookie: cookieOf(headers) };
}

test('better-auth finds nothing to add to the tables of the migrations', async () => {
  const options = authOptions(settings(), { isDisabled: () => false, sessionEnded: () => {} });
  const { toBeCreated, toBeAdded } = await getMigrations(options);
  expect([toBeCreated, toBeAdded]).toEqual([[], []]);
});

test('[AC7] the owner link makes one owner, signed in; then it and any other are closed', async () => {
  expect(accounts.hasOwner()).toBe(false);
  const replaced = accounts.issueOwnerLink();
  const token = accounts.issueOwnerLink();
  await expect(accounts.createOwner({ ...ANN, token: replaced })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(accounts.createOwner({ ...ANN, token: '' })).rejects.toMatchObject({ code: 'forbidden' });
  const { person, headers } = await accounts.createOwner({ ...ANN, token });
  expect(person).toEqual({ kind: 'person', id: person.id, name: 'Ann', email: 'ann@example.org', role: 'owner' });
  expect(await accounts.principalOf(withCookie(cookieOf(headers)))).toEqual(person);
  expect(accounts.hasOwner()).toBe(true);
  await expect(accounts.createOwner({ ...BOB, token })).rejects.toMatchObject({ code: 'conflict' });
  expect(() => accounts.issueOwnerLink()).toThrow(expect.objectContaining({ code: 'conflict' }));
  expect(JSON.stringify(database.prepare('select * from account_link').all())).not.toContain(token);
});

test('[AC7] two who use the owner link at once make one owner', async () => {
  const token = accounts.issueOwnerLink();
  const outcomes = await Promise.allSettled([
    accounts.createOwner({ ...ANN, token }),
    accounts.createOwner({ ...BOB, token }),
  ]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(accounts.members().length).toBe(1);
});

test('[AC1] signing in gives a cookie that is known afterwards, until signing out', async () => {
  const { person } = await makeOwner();
  const response = await signIn('ANN@example.org', ANN.password);
  expect(response.status).toBe(200);
  expect(response.headers.getSetCookie()[0]).toMatch(/HttpOnly/);
  const cookie = cookieOf(response.headers);
  expect(await accounts.principalOf(withCookie(cookie))).toEqual(person);
  expect(await (await ask('GET', '/get-session', { cookie })).json()).toMatchObject({ user: { id: person.id } });
  expect(accounts.members()[0]).toMatchObject({
    id: person.id,
    disabled: false,
    lastSeenAt: new Date(nowMs).toISOString(),
  });
  expect((await ask('POST', '/sign-out', { cookie })).status).toBe(200);
  expect(await accounts.principalOf(withCookie(cookie))).toBeNull();
  expect(changed).toEqual([person.id]);
});

test('[AC10] a wrong password and an unknown address are refused alike', async () => {
  await makeOwner();
  const wrong = await signIn(ANN.email.trim(), 'not the password');
  const unknown = await signIn('nobody@example.org', 'not the password');
  expect([wrong.status, unknown.status]).toEqual([401, 401]);
  const refusal = await wrong.json();
  expect(refusal).toMatchObject({ error: { code: 'unauthenticated' } });
  expect(await unknown.json()).toEqual(refusal);
});

test('[AC10] guessing from one address is stopped, others still sign in', async () => {
  await makeOwner();
  const from = '192.0.2.1';
  const statuses: number[] = [];
  for (let attempt = 0; attempt <= MAX_SIGN_INS_PER_MINUTE; attempt++) {
    const response = await signIn('nobody@example.org', 'guess', { from });
    statuses.push(response.status);
    if (response.status === 429) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
  expect((await signIn('ann@example.org', ANN.password)).status).toBe(200);
});

test('[AC11] every other route of better-auth is closed, also to members', async () => {
  const { cookie } = await makeOwner();
  const body = { ...BOB, name: 'Bob' };
  for (const [method, path] of [
    ['POST', '/sign-up/email'],
    ['POST', '/update-user'],
    ['POST', '/api-key/create'],
    ['POST', '/delete-user'],
    ['GET', '/sign-in/email'],
    ['GET', '/error'],
  ] as const) {
    const response = await ask(method, path, { cookie, ...(method === 'POST' ? { body } : {}) });
    expect([path, response.status]).toEqual([path, 404]);
  }
  expect(accounts.members().length).toBe(1);
});

test('[AC2] a page of another origin cannot sign anybody in or out', async () => {
  const { cookie, person } = await makeOwner();
  expect((await ask('POST', '/sign-out', { cookie, origin: 'http://evil.example' })).status).toBe(403);
  expect(await accounts.principalOf(withCookie(cookie))).toEqual(person);
  expect((await ask('POST', '/sign-out', { cookie, origin: 'http://office.example' })).status).toBe(200);
});

test('[AC1] forged, foreign and absent credentials are nobody', async () => {
  const { cookie } = await makeOwner();
  const [name = '', value = ''] = cookie.split('=');
  const token = decodeURIComponent(value).split('.')[0] ?? '';
  for (const headers of [
    new Headers(),
    withCookie(`${name}=${token}`),
    withCookie(`${name}=${encodeURIComponent(`${token}.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=`)}`),
    withCookie(`${name}=%ZZ`),
    withKey('daena_nonsense'),
    new Headers({ authorization: `Bearer ${token}` }),
  ]) {
    expect(await accounts.principalOf(headers)).toBeNull();
  }
});

test('[AC1] an expired session is nobody', async () => {
  const { cookie } = await makeOwner();
  database.prepare('update auth_session set expiresAt = ?').run(new Date(Date.now() - 1000).toISOString());
  expect(await accounts.principalOf(withCookie(cookie))).toBeNull();
});

test('[AC8] an invitation makes one member, signed in', async () => {
  const owner = await makeOwner();
  const { token, expiresAt } = accounts.issueInvite(owner.person);
  expect(Date.parse(expiresAt)).toBe(nowMs + INVITE_LIFETIME_MS);
  const { person, headers } = await accounts.acceptInvite({ ...BOB, token });
  expect(person).toMatchObject({ name: 'Bob', role: 'member' });
  expect(await accounts.principalOf(withCookie(cookieOf(headers)))).toEqual(person);
  await expect(accounts.acceptInvite({ ...BOB, email: 'eve@example.org', token })).rejects.toMatchObject({
    code: 'forbidden',
  });
  expect(() => accounts.issueInvite(person)).toThrow(expect.objectContaining({ code: 'forbidden' }));
  expect(accounts.members().map(({ name, role }) => [name, role])).toEqual([
    ['Ann', 'owner'],
    ['Bob', 'member'],
  ]);
});

test('[AC8] an invitation expires, and one for an address is for that address', async () => {
  const owner = await makeOwner();
  const expired = accounts.issueInvite(owner.person);
  nowMs += INVITE_LIFETIME_MS;
  await expect(accounts.acceptInvite({ ...BOB, token: expired.token })).rejects.toMatchObject({ code: 'forbidden' });
  const { token } = accounts.issueInvite(owner.person, { email: ' Carol@Example.org', role: 'owner' });
  await expect(accounts.acceptInvite({ ...BOB, token })).rejects.toMatchObject({ code: 'forbidden' });
  const carol = await accounts.acceptInvite({ ...BOB, email: 'carol@EXAMPLE.org', token });
  expect(carol.person).toMatchObject({ email: 'carol@example.org', role: 'owner' });
});

test('[AC8] what was typed wrongly is said, and the invitation stays good', async () => {
  const owner = await makeOwner();
  const { token } = accounts.issueInvite(owner.person);
  const message = 'A password needs at least 8 characters.';
  await expect(accounts.acceptInvite({ ...BOB, token, password: 'short' })).rejects.toMatchObject({
    code: 'bad_request',
    message,
  });
  for (const wrong of [{ password: 'x'.repeat(129) }, { email: 'nowhere' }, { name: ' ' }]) {
    await expect(accounts.acceptInvite({ ...BOB, token, ...wrong })).rejects.toMatchObject({ code: 'bad_request' });
  }
  await expect(accounts.acceptInvite({ ...BOB, token, email: 'ANN@example.org' })).rejects.toMatchObject({
    code: 'conflict',
  });
  await accounts.acceptInvite({ ...BOB, token });
});

test('[PE3] a disabled member is nobody at once, by cookie and key, and cannot sign in until enabled', async () => {
  const owner = await makeOwner();
  const bob = await makeMember(owner);
  const { key } = await accounts.makeApiKey(bob.person.id, 'script');
  accounts.setDisabled(bob.person.id, true);
  expect(changed).toEqual([bob.person.id]);
  expect(await accounts.principalOf(withCookie(bob.cookie))).toBeNull();
  expect(await accounts.principalOf(withKey(key))).toBeNull();
  expect((await signIn(BOB.email, BOB.password)).status).toBe(403);
  expect(() => accounts.issueResetLink(bob.person.id)).toThrow(expect.objectContaining({ code: 'conflict' }));
  accounts.setDisabled(bob.person.id, false);
  expect((await signIn(BOB.email, BOB.password)).status).toBe(200);
  expect(await accounts.principalOf(withCookie(bob.cookie))).toBeNull();
});

test('[AC12] the last owner can be neither disabled nor demoted', async () => {
  const owner = await makeOwner();
  const bob = await makeMember(owner);
  const refused = expect.objectContaining({ code: 'conflict' });
  expect(() => accounts.setDisabled(owner.person.id, true)).toThrow(refused);
  expect(() => accounts.setRole(owner.person.id, 'member')).toThrow(refused);
  accounts.setRole(bob.person.id, 'owner');
  accounts.setDisabled(owner.person.id, true);
  expect(() => accounts.setDisabled(bob.person.id, true)).toThrow(refused);
  expect(() => accounts.setDisabled('nobody', true)).toThrow(expect.objectContaining({ code: 'unknown' }));
});

test('[AC9] a reset link sets the password once and signs the person out everywhere', async () => {
  const owner = await makeOwner();
  const bob = await makeMember(owner);
  const replaced = accounts.issueResetLink(bob.person.id);
  const { token, expiresAt } = accounts.issueResetLink(bob.person.id);
  expect(Date.parse(expiresAt)).toBe(nowMs + RESET_LIFETIME_MS);
  const password = 'a new password';
  await expect(accounts.resetPassword({ token: replaced.token, password })).rejects.toMatchObject({
    code: 'forbidden',
  });
  await expect(accounts.resetPassword({ token, password: 'short' })).rejects.toMatchObject({ code: 'bad_request' });
  await accounts.resetPassword({ token, password });
  expect(changed).toEqual([bob.person.id]);
  expect(await accounts.principalOf(withCookie(bob.cookie))).toBeNull();
  expect((await signIn(BOB.email, BOB.password)).status).toBe(401);
  expect((await signIn(BOB.email, password)).status).toBe(200);
  await expect(accounts.resetPassword({ token, password })).rejects.toMatchObject({ code: 'forbidden' });
  const late = accounts.issueResetLink(bob.person.id);
  nowMs += RESET_LIFETIME_MS;
  await expect(accounts.resetPassword({ token: late.token, password })).rejects.toMatchObject({ code: 'forbidden' });
});

test('[AC9] other devices are signed out, this one stays', async () => {
  const { person, cookie } = await makeOwner();
  const other = cookieOf((await signIn('ann@example.org', ANN.password)).headers);
  await accounts.signOutOtherDevices(person.id, withCookie(cookie));
  expect(await accounts.principalOf(withCookie(cookie))).toEqual(person);
  expect(await accounts.principalOf(withCookie(other))).toBeNull();
  expect(changed).toEqual([person.id]);
});

test('[AC9] a browser lists its own sessions and revokes one', async () => {
  const { person, cookie } = await makeOwner();
  const other = cookieOf((await signIn('ann@example.org', ANN.password)).headers);
  const listed = await ask('GET', '/list-sessions', { cookie });
  const sessions: { token: string }[] = await listed.json();
  expect(sessions.length).toBe(2);
  const token = decodeURIComponent(other.split('=')[1] ?? '').split('.')[0];
  expect((await ask('POST', '/revoke-session', { cookie, body: { token } })).status).toBe(200);
  expect(await accounts.principalOf(withCookie(other))).toBeNull();
  expect(changed).toEqual([person.id]);
});

test('[AC4] an API key acts as its person until revoked, and is stored hashed', async () => {
  const owner = await makeOwner();
  const bob = await makeMember(owner);
  const { id, key } = await accounts.makeApiKey(bob.person.id, ' backup script ');
  expect(key).toMatch(/^daena_/);
  expect(await accounts.principalOf(withKey(key))).toEqual(bob.person);
  expect(accounts.apiKeys(bob.person.id)).toMatchObject([
    { id, name: 'backup script', start: key.slice(0, 6), lastUsedAt: new Date(nowMs).toISOString() },
  ]);
  expect(JSON.stringify(database.prepare('select * from apikey').all())).not.toContain(key);
  expect(() => accounts.revokeApiKey(owner.person.id, id)).toThrow(expect.objectContaining({ code: 'unknown' }));
  accounts.revokeApiKey(bob.person.id, id);
  expect(changed).toEqual([bob.person.id]);
  expect(await accounts.principalOf(withKey(key))).toBeNull();
  await expect(accounts.makeApiKey(bob.person.id, ' ')).rejects.toMatchObject({ code: 'bad_request' });
});

test('members, sessions and keys are there after the file is opened again', async () => {
  const { person, cookie } = await makeOwner();
  const { key } = await accounts.makeApiKey(person.id, 'script');
  database.close();
  database = openDatabase(join(folder, 'office.sqlite'));
  const reopened = createAccounts(settings());
  expect(await reopened.principalOf(withCookie(cookie))).toEqual(person);
  expect(await reopened.principalOf(withKey(key))).toEqual(person);
});
