import { join } from 'node:path';
import { expect, test } from 'vitest';
import { QUARANTINE, readQuarantine } from '../../../persistence/quarantine/quarantine.ts';
import { briefName } from '../../../sync-server/protocol/document-name.ts';
import { writeUpdate } from '../../../sync-server/protocol/frames.ts';
import { loadDocument } from '../../../sync-server/room/room-document.ts';
import { deepBrief } from '../../support/deep-brief.ts';
import { person, ulid } from '../../support/entries.ts';
import { openHeldOffice } from '../../support/office-in-process.ts';
import { connect } from '../../support/office-peer.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';
import { until } from '../../support/until.ts';

test('[QU1] [INV2] what passes the gate and throws is kept aside whole, and never logged or shown', async () => {
  const { rooms, log, setAside } = openRooms();
  const name = briefName(ulid(1));
  const [mallory, bob] = [new ListeningPeer(person('mallory')), new ListeningPeer(person('bob'))];
  const room = await rooms.join(name, mallory);
  room.join(bob);
  const told = bob.sent.length;
  room.receive(mallory, writeUpdate(deepBrief(5)));
  expect(setAside).toEqual([
    { document: name, principal: 'mallory', at: expect.any(Number), reason: expect.any(String), update: deepBrief(5) },
  ]);
  expect(room.isFailed).toBe(true);
  expect([bob.closes, bob.sent.length]).toEqual([[4500], told]);
  expect(await log.documents()).toEqual([]);
  const again = await rooms.join(name, new ListeningPeer(person('bob')));
  expect(again.isFailed).toBe(false);
  expect((await loadDocument(log, name)).damage).toBeNull();
});

test('[QU1] an office keeps it in its data folder, and counts it in its health and its figures', async () => {
  const office = await openHeldOffice();
  const { caller, me } = office.owner;
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const peer = await connect(caller, session.documents.brief).synced();
  peer.sendRaw(writeUpdate(deepBrief(5)));
  await peer.closedWith(4500);
  await until('it is counted', async () => (await office.gauge('daena_quarantined_updates')) === 1);
  expect(await readQuarantine(join(office.dataFolder, QUARANTINE))).toMatchObject([
    { document: session.documents.brief, principal: me.id },
  ]);
  const { parts } = await caller.call('health', {});
  expect(parts.sync?.detail).toContain('1 in quarantine');
});
