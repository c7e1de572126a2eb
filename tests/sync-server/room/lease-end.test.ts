import { expect, test } from 'vitest';
import * as Y from 'yjs';
import type { LeaseGrant } from '../../../sync-server/leases.ts';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import type { ReplyEntry } from '../../../sync-server/protocol/entry.ts';
import { writeUpdate } from '../../../sync-server/protocol/frames.ts';
import { deriveId } from '../../../sync-server/protocol/ids.ts';
import {
  createLiveRow,
  finishLiveRow,
  readEntries,
  rowIdOf,
  writeEntry,
} from '../../../sync-server/protocol/segment.ts';
import { loadDocument } from '../../../sync-server/room/room-document.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';

const turn = deriveId('reply', 'one');
const lease: LeaseGrant = {
  turn,
  attempt: 1,
  document: segmentName(ulid(1), 1),
  clientId: 4_000,
  rowId: rowIdOf(turn, 1),
  agent: 'daena',
  step: 'answer',
  cause: ulid(1),
};
const common = { turn, attempt: 1, agent: 'daena', cause: ulid(1), step: 'answer', at: 1 } as const;
const reply: ReplyEntry = {
  id: turn,
  kind: 'reply',
  author: 'daena',
  at: 1,
  cause: ulid(1),
  step: 'answer',
  attempt: 1,
  outcome: 'done',
  body: 'an answer',
};

/** A worker at work under its lease: `say` sends what it changed since it last spoke. */
async function workerAtWork() {
  const office = openRooms();
  office.leases.grant(lease);
  const peer = new ListeningPeer({ kind: 'worker', id: 'worker' }, lease);
  const room = await office.rooms.join(lease.document, peer);
  const doc = new Y.Doc();
  doc.clientID = lease.clientId;
  let said = Y.encodeStateVector(doc);
  const say = (): void => {
    room.receive(peer, writeUpdate(Y.encodeStateAsUpdate(doc, said)));
    said = Y.encodeStateVector(doc);
  };
  const { text } = createLiveRow(doc, { ...common, model: 'small', isRehearsed: false });
  text.insert(0, 'an answer');
  say();
  expect(peer.closes).toEqual([]);
  return { ...office, room, peer, doc, say, text };
}

test('[GA18] the reply ends the lease, and whatever comes after it is refused with 4409', async () => {
  const { leases, peer, doc, say, rooms, log } = await workerAtWork();
  finishLiveRow(doc, lease.rowId, reply);
  say();
  expect(leases.byTurn(turn, 1)).toBeUndefined();
  expect(peer.closes).toEqual([]);
  createLiveRow(doc, { ...common, attempt: 2, model: 'small', isRehearsed: false });
  say();
  expect(peer.closes).toEqual([4409]);
  await rooms.drain();
  expect(readEntries((await loadDocument(log, lease.document)).doc)).toEqual([reply]);
});

test('[GA18] a lease that ends otherwise stops its worker in the middle of a word', async () => {
  const { leases, peer, text, say } = await workerAtWork();
  leases.end(turn, 1);
  text.insert(9, ' too many');
  say();
  expect(peer.closes).toEqual([4409]);
});

test('[GA18] [GA6] a person writes nothing under the client id of a lease, during it or after', async () => {
  const { leases, rooms, room, log } = await workerAtWork();
  const bob = new ListeningPeer(person('bob'));
  await rooms.join(lease.document, bob);
  const forge = (n: number): void => {
    const doc = new Y.Doc();
    doc.clientID = lease.clientId;
    writeEntry(doc, message('bob', n));
    room.receive(bob, writeUpdate(Y.encodeStateAsUpdate(doc)));
  };
  forge(1);
  leases.end(turn, 1);
  forge(2);
  await rooms.drain();
  expect(readEntries((await loadDocument(log, lease.document)).doc)).toEqual([]);
});
