import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRetryHint } from '../../sync-server/protocol/retry-hint.ts';
import { message, ulid } from '../support/entries.ts';
import { knock } from '../support/knock.ts';
import { RunningOffice, startOffice } from '../support/office.ts';
import { OfficeCaller } from '../support/office-caller.ts';
import { connect } from '../support/office-peer.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

test('[RO4] SIGTERM finishes what is begun, tells everyone to come back, and ends with 0', async () => {
  const office = await startOffice();
  const { caller, me } = await office.signIn();
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const peer = await connect(caller, session.documents.live, { receipts: true }).synced();
  const events = await knock(caller, '/ws/events').opened();
  peer.write(message(me.id, 1));
  expect(await office.stop()).toBe(0);
  expect(peer.closes[0]?.code).toBe(4504);
  expect(await events.code()).toBe(4504);
  await office.start();
  await until('the message is there and saved', () => peer.isSaved);
  expect((await caller.call('messages', { params: { id: session.session_id } })).messages).toMatchObject([
    { message_id: ulid(1) },
  ]);
});

test('[RO4] where the disk hangs, everyone is told to come back and when, and the process ends within 10 s', async () => {
  const office = await startOffice({ main: new URL('hanging-server.ts', import.meta.url).pathname });
  const { caller, me } = await office.signIn();
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const peer = await connect(caller, session.documents.live, { receipts: true }).synced();
  peer.write(message(me.id, 1));
  await until('the disk works', () => peer.isSaved);
  peer.write(message(me.id, 2, { body: 'the disk hangs' }));
  await peer.roundTrip();
  const startedAt = performance.now();
  const stopped = office.stop();
  await peer.closedWith(4504);
  expect(readRetryHint(peer.closes[0]?.reason ?? '')).toBeGreaterThan(0);
  expect(await stopped).toBe(1);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(peer.isSaved).toBe(false);
});

test('[RO5] who comes while the office opens waits for it, and is served', async () => {
  const office = await startOffice();
  const { caller } = await office.signIn();
  for (let round = 0; round < 3; round++) {
    await office.kill9();
    const starting = office.start();
    const socket = until('an open socket', async () => {
      const each = knock(caller, '/ws/events');
      await until('open or refused', () => each.closed || each.socket.readyState === each.socket.OPEN);
      return each.closed === null && each;
    });
    await starting;
    expect(await (await socket).survives()).toBe(true);
  }
});

test('[LO1] a folder that another server holds is refused in one sentence, and that server goes on', async () => {
  const office = await startOffice();
  const second = new RunningOffice({ dataFolder: office.dataFolder });
  await expect(second.start()).rejects.toThrow(/./);
  expect((await office.nobody.request('GET', '/livez')).text).toBe('ok');
});

test('[AC6] over TLS people use the certificate and the worker its loopback address', async () => {
  const folder = tempFolder();
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
      ...['-subj', '/CN=localhost', '-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  );
  const office = await startOffice({ env: { DAENA_TLS_CERT: cert, DAENA_TLS_KEY: key } });
  expect(office.url).toMatch(/^https:/);
  expect(office.internalUrl).toMatch(/^http:\/\/127\.0\.0\.1:/);
  const { caller, me } = await office.signIn();
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const peer = await connect(caller, session.documents.live, { receipts: true }).synced();
  peer.write(message(me.id, 1));
  await until('the receipt', () => peer.isSaved);
  const inside = new OfficeCaller(() => office.internalUrl);
  expect((await inside.request('GET', '/readyz')).text).toBe('ok');
});
