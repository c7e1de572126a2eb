import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { briefName, segmentName } from '../../../sync-server/protocol/document-name.ts';
import { OfficeError } from '../../../sync-server/protocol/errors.ts';
import { writeUpdate } from '../../../sync-server/protocol/frames.ts';
import { CommitGate } from '../../support/commit-gate.ts';
import { deepBrief } from '../../support/deep-brief.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';
import { until } from '../../support/until.ts';

const ann = person('ann');

test('[RL3] a room that failed is read again only when the changes that it had on their way are in the log', async () => {
  const gate = new CommitGate();
  const { rooms } = openRooms(gate.log);
  const name = briefName(ulid(1));
  const author = new ListeningPeer(ann);
  const mallory = new ListeningPeer(person('mallory'));
  const room = await rooms.join(name, author);
  room.join(mallory);
  gate.hold();
  const device = new Y.Doc();
  device.get('root', Y.XmlText).insert(0, 'on its way');
  room.receive(author, writeUpdate(Y.encodeStateAsUpdate(device)));
  await until('the log was asked', () => gate.isHolding);
  room.receive(mallory, writeUpdate(deepBrief(5)));
  expect(room.isFailed).toBe(true);
  const joining = rooms.join(name, new ListeningPeer(ann));
  // Long enough for a room that waits for nothing.
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  gate.release();
  const again = await joining;
  await again.durable();
  expect(again.committed?.lastClock).toBe(0);
  expect(again.committed?.doc.get('root', Y.XmlText).toString()).toBe('on its way');
});

test('[RL3] a room that fails just as it is opened lets nobody in, who would wait for ever', async () => {
  const { rooms, log } = openRooms(undefined, {
    prepare: async (room) => {
      // Like the end of a full segment, which nobody waits for.
      void room.entries.appendAs(ann, () => message('ann', 1)).catch(() => undefined);
    },
  });
  log.append = () => Promise.reject(new OfficeError('storage', 'The disk is too slow for what is being written.'));
  const name = segmentName(ulid(1), 1);
  await expect(rooms.join(name, new ListeningPeer(ann))).rejects.toMatchObject({ code: 'restarting' });
  expect(rooms.count).toBe(0);
});
