import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { MAX_FRAME_BYTES } from '../../../sync-server/protocol/frames.ts';
import { message, ulid } from '../../support/entries.ts';
import { knock } from '../../support/knock.ts';
import { startOffice } from '../../support/office.ts';
import { OfficeCaller } from '../../support/office-caller.ts';
import { openHeldOffice } from '../../support/office-in-process.ts';
import { connect } from '../../support/office-peer.ts';
import { addMember, withApiKey } from '../../support/office-people.ts';
import { until } from '../../support/until.ts';

async function officeWithSession() {
  const office = await openHeldOffice();
  const { caller } = office.owner;
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  return { office, caller, session, path: `/sync/${session.documents.live}` };
}

test('[RO2] documents that are not there are refused with 4404, and none is made', async () => {
  const { caller, session, office } = await officeWithSession();
  const names = [
    `session/${ulid(77)}/1`,
    `session/${session.session_id}/2`,
    `session/${session.session_id}/0`,
    `session/${session.session_id.toLowerCase()}/1`,
    `brief/${ulid(77)}`,
    'anything',
    '',
    '%E0%A4%A',
  ];
  const before = await office.gauge('daena_rooms_open');
  for (const name of names) expect([name, await knock(caller, `/sync/${name}`).code()]).toEqual([name, 4404]);
  expect(await office.gauge('daena_rooms_open')).toBe(before);
  expect(await knock(caller, '/elsewhere').code()).toBe(4404);
});

test('[AC1] without a cookie, with a forged one or one that was signed out, a socket is refused with 4401', async () => {
  const { caller, path, office } = await officeWithSession();
  const origin = { origin: office.url };
  const cookie = caller.credentials.cookie ?? '';
  const mallory = await addMember(caller, 'mallory');
  await mallory.caller.request('POST', '/api/auth/sign-out', { body: {} });
  const refused: Record<string, string>[] = [
    origin,
    { ...origin, cookie: 'daena.session_token=forged' },
    { ...origin, cookie: `${cookie.slice(0, -6)}AAAAAA` },
    { ...origin, cookie: mallory.caller.credentials.cookie ?? '' },
    { authorization: 'Bearer made-up' },
  ];
  for (const headers of refused) {
    expect(await knock(caller, path, headers).code()).toBe(4401);
    expect(await knock(caller, '/ws/events', headers).code()).toBe(4401);
  }
});

test('[AC13] a session that runs out ends the sockets that were opened with it', async () => {
  const { caller, path, office } = await officeWithSession();
  const expired = await knock(caller, path).opened();
  const byKey = await knock(await withApiKey(caller), path).opened();
  const passMinutes = async (): Promise<void> => {
    for (let step = 0; step < 4; step++) {
      office.clock.advance(30_000);
      // Twice: the answer to the second question comes after our answer to the server's own ping was read.
      for (const socket of [expired, byKey]) for (let i = 0; i < 2; i++) await socket.survives();
    }
  };
  await passMinutes();
  expect([expired.closed, byKey.closed]).toEqual([null, null]);
  const database = new Database(join(office.dataFolder, 'daena.sqlite'));
  database.prepare('update auth_session set expiresAt = ?').run(new Date(0).toISOString());
  database.close();
  await passMinutes();
  expect(await expired.code()).toBe(4401);
  expect(await byKey.survives()).toBe(true);
});

test('[AC2] a page of another origin, or none, opens no socket with a cookie', async () => {
  const { caller, path, office } = await officeWithSession();
  const cookie = caller.credentials.cookie ?? '';
  const foreign: Record<string, string>[] = [
    { cookie, origin: 'https://evil.example' },
    { cookie, origin: office.url.replace('127.0.0.1', '127.0.0.1.evil.example') },
    { cookie, origin: office.url.replace('http:', 'https:') },
    { cookie, origin: 'null' },
    { cookie },
  ];
  for (const headers of foreign) {
    expect(await knock(caller, path, headers).code()).toBe(4403);
    expect(await knock(caller, '/ws/events', headers).code()).toBe(4403);
  }
});

test('[AC3] `as` names who is meant: another is refused with 4401', async () => {
  const { caller, path, office } = await officeWithSession();
  const bob = await addMember(caller, 'bob');
  expect(await knock(caller, `${path}?as=${bob.me.id}`).code()).toBe(4401);
  expect(await knock(caller, `${path}?as=${office.owner.me.id}`).survives()).toBe(true);
});

test('[AC4] a program opens sockets with its key, without an origin, as its person', async () => {
  const { caller, path, office, session } = await officeWithSession();
  const script = await withApiKey(caller);
  expect(await knock(script, `${path}?as=${office.owner.me.id}`).survives()).toBe(true);
  const peer = await connect(script, session.documents.live, { receipts: true }).synced();
  peer.write(message(office.owner.me.id, 1));
  await until('the receipt', () => peer.isSaved);
});

test('[PE2] what a person may not read looks like what is not there', async () => {
  const { caller } = await officeWithSession();
  const bob = await addMember(caller, 'bob');
  const carol = await addMember(caller, 'carol');
  const { session } = await caller.call('startChat', {
    body: { scope_type: 'general', is_private: true, members: [carol.me.id] },
  });
  for (const name of Object.values(session.documents)) {
    expect(await knock(bob.caller, `/sync/${name}`).code()).toBe(4404);
    expect(await knock(carol.caller, `/sync/${name}`).survives()).toBe(true);
  }
});

test('[PE3] [INV6] disabling a member closes all they hold with 4403 within a second, and HTTP answers 401', async () => {
  const { caller, path } = await officeWithSession();
  const bob = await addMember(caller, 'bob');
  const script = await withApiKey(bob.caller);
  const held = [
    knock(bob.caller, path),
    knock(bob.caller, '/ws/events'),
    knock(script, path),
    knock(script, '/ws/events'),
  ];
  for (const each of held) expect(await each.survives()).toBe(true);
  const bystander = knock(caller, path);
  await bystander.opened();
  const startedAt = performance.now();
  await caller.call('updateMember', { params: { id: bob.me.id }, body: { disabled: true } });
  expect(await Promise.all(held.map((each) => each.code()))).toEqual([4403, 4403, 4403, 4403]);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  expect(await bob.caller.refusal('me', {})).toBe('401 unauthenticated');
  expect(await script.refusal('me', {})).toBe('401 unauthenticated');
  expect(await knock(bob.caller, path).code()).toBe(4401);
  expect(await bystander.survives()).toBe(true);
});

test('[FR4] a frame over 4 MiB is refused with 4413, text with 4400', async () => {
  const { caller, path } = await officeWithSession();
  for (const [data, code] of [
    [new Uint8Array(MAX_FRAME_BYTES + 1), 4413],
    [new Uint8Array(MAX_FRAME_BYTES + 100_000), 4413],
    ['hello', 4400],
  ] as const) {
    const each = await knock(caller, path).opened();
    each.socket.send(data);
    expect(await each.code()).toBe(code);
  }
});

test("[AC5] the worker's token opens the worker's door and no other", async () => {
  const office = await startOffice();
  const owner = await office.signIn();
  const { session } = await owner.caller.call('startChat', { body: { scope_type: 'general' } });
  const token = readFileSync(join(office.dataFolder, 'worker.token'), 'utf8').trim();
  const worker = new OfficeCaller(() => office.url, { authorization: `Bearer ${token}` });
  expect(await knock(worker, '/internal/worker').survives()).toBe(true);
  expect(await knock(owner.caller, '/internal/worker').code()).toBe(4404);
  expect(await knock(office.nobody, '/internal/worker', {}).code()).toBe(4403);
  expect(await knock(worker, '/ws/events').code()).toBe(4404);
  expect(await knock(worker, `/sync/${session.documents.live}`).code()).toBe(4409);
  expect(await knock(worker, `/sync/${session.documents.live}?turn=r_x&attempt=1`).code()).toBe(4409);
  expect(await worker.refusal('sessions', {})).toBe('401 unauthenticated');
  const talker = await knock(worker, '/internal/worker').opened();
  talker.socket.send('{"type":"nonsense"}');
  expect(await talker.code()).toBe(4400);
});
