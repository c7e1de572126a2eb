import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import { writeAwareness, writeUpdate } from '../../../sync-server/protocol/frames.ts';
import { writeEntry } from '../../../sync-server/protocol/segment.ts';
import { MAX_RESERVED_PER_PERSON, ReservedClients } from '../../../sync-server/room/reserved-clients.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';

const name = segmentName(ulid(1), 1);

const docOf = (client: number, author: string, n: number): Uint8Array => {
  const doc = new Y.Doc();
  doc.clientID = client;
  writeEntry(doc, message(author, n));
  return writeUpdate(Y.encodeStateAsUpdate(doc));
};

test('[AW4] [GA6] an id that somebody showed themselves under is theirs: nobody else writes under it, also once they left', async () => {
  const { rooms } = openRooms();
  const ann = new ListeningPeer(person('ann'));
  const bob = new ListeningPeer(person('bob'));
  const room = await rooms.join(name, ann);
  await rooms.join(name, bob);
  room.receive(ann, writeAwareness([{ client: 7, clock: 0, state: '{}' }]));
  rooms.leave(room, ann);
  room.receive(bob, writeAwareness([{ client: 7, clock: 5, state: '{"mine":true}' }]));
  room.receive(bob, docOf(7, 'bob', 1));
  await room.settled();
  expect(room.entries.has(ulid(1))).toBe(false);
  const again = new ListeningPeer(person('ann'));
  room.join(again);
  room.receive(again, docOf(7, 'ann', 2));
  await room.settled();
  expect(room.entries.has(ulid(2))).toBe(true);
  expect(bob.closes).toEqual([]);
});

test('[AW4] [BO11] a person keeps 200 ids in a room; one more frees their own oldest, and nobody else’s', () => {
  const reserved = new ReservedClients();
  reserved.reserve(1, 'bob');
  for (let client = 100; client < 100 + MAX_RESERVED_PER_PERSON; client++) reserved.reserve(client, 'ann');
  expect(reserved.holderOf(100)).toBe('ann');
  reserved.reserve(99, 'ann');
  expect(reserved.holderOf(100)).toBeUndefined();
  expect(reserved.holderOf(101)).toBe('ann');
  expect(reserved.holderOf(1)).toBe('bob');
  reserved.reserve(1, 'ann');
  expect(reserved.holderOf(1)).toBe('bob');
});
