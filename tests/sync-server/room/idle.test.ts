import { expect, test } from 'vitest';
import { CommitGate } from '../../support/commit-gate.ts';
import { messageNow as message } from '../../support/entries.ts';
import { openHeldOffice } from '../../support/office-in-process.ts';
import { connect, contentOf } from '../../support/office-peer.ts';
import { until } from '../../support/until.ts';

test('[RO3] [INV7] an empty room leaves memory after 30 s, compacted, and is read again as it was', async () => {
  const { log } = new CommitGate();
  const office = await openHeldOffice({ log });
  const { caller, me } = office.owner;
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const document = session.documents.live;
  const writer = await connect(caller, document, { receipts: true }).synced();
  for (let n = 1; n <= 210; n++) writer.write(message(me.id, n));
  await until('all saved', () => writer.isSaved);
  expect((await log.read(document)).updates.length).toBeGreaterThan(200);
  writer.leave();
  await until('the socket is gone', async () => (await office.gauge('daena_sockets_open')) === 0);
  office.clock.advance(29_000);
  expect(await office.gauge('daena_rooms_open')).toBe(1);
  office.clock.advance(2_000);
  await until('no room', async () => (await office.gauge('daena_rooms_open')) === 0);
  expect((await log.read(document)).updates).toHaveLength(1);
  const reader = await connect(caller, document).synced();
  expect(contentOf(reader.doc)).toBe(contentOf(writer.doc));
  reader.write(message(me.id, 211));
  await until('the log goes on', async () => (await log.read(document)).updates.length === 2);
});

test('[RO3] a room with somebody in it stays', async () => {
  const office = await openHeldOffice();
  const { caller } = office.owner;
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const peer = await connect(caller, session.documents.live).synced();
  for (let minute = 0; minute < 3; minute++) {
    office.clock.advance(20_000);
    await peer.roundTrip();
  }
  expect(await office.gauge('daena_rooms_open')).toBe(1);
  expect(peer.closes).toEqual([]);
});
