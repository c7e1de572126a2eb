import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import { writeUpdate } from '../../../sync-server/protocol/frames.ts';
import { readEntries, writeEntry } from '../../../sync-server/protocol/segment.ts';
import { loadDocument } from '../../../sync-server/room/room-document.ts';
import { CommitGate } from '../../support/commit-gate.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';
import { until } from '../../support/until.ts';

const name = segmentName(ulid(1), 1);

/** Rooms that are being drained while a change of ann's waits for the disk. */
async function drainingWithOneChange() {
  const gate = new CommitGate();
  const { rooms, log } = openRooms(gate.log);
  const peer = new ListeningPeer(person('ann'));
  const room = await rooms.join(name, peer);
  const doc = new Y.Doc();
  writeEntry(doc, message('ann', 1));
  gate.hold();
  room.receive(peer, writeUpdate(Y.encodeStateAsUpdate(doc)));
  await until('the log was asked', () => gate.isHolding);
  const drained = rooms.drain();
  await expect(rooms.join(name, peer)).rejects.toMatchObject({ code: 'restarting' });
  return { gate, log, drained };
}

test('[RO4] draining takes no one in, and waits for what is being written', async () => {
  const { gate, log, drained } = await drainingWithOneChange();
  gate.release();
  await drained;
  expect(readEntries((await loadDocument(log, name)).doc)).toEqual([message('ann', 1)]);
});

test('[RO4] draining ends where the disk refuses what is being written', async () => {
  const { gate, log, drained } = await drainingWithOneChange();
  gate.isRefusing = true;
  gate.release();
  await drained;
  expect((await log.read(name)).updates).toEqual([]);
});

test('[DU1] asking for an entry that is there already answers once it is durable, and is refused where it never is', async () => {
  for (const isRefusing of [false, true]) {
    const gate = new CommitGate();
    const { rooms } = openRooms(gate.log);
    await rooms.use(name, async (room) => {
      gate.hold();
      const ann = person('ann');
      const first = room.entries.appendAs(ann, () => message('ann', 1));
      const again = room.entries.appendAs(ann, () => message('ann', 1));
      await until('the log was asked', () => gate.isHolding);
      let isAnswered = false;
      const settled = Promise.allSettled([first, again]).then((results) => {
        isAnswered = true;
        return results.map(({ status }) => status);
      });
      await Promise.resolve();
      expect(isAnswered).toBe(false);
      gate.isRefusing = isRefusing;
      gate.release();
      expect(await settled).toEqual(isRefusing ? ['rejected', 'rejected'] : ['fulfilled', 'fulfilled']);
    });
  }
});
