import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import { MAX_BODY_CHARS } from '../../../sync-server/protocol/entry.ts';
import { writeUpdate } from '../../../sync-server/protocol/frames.ts';
import { writeEntry } from '../../../sync-server/protocol/segment.ts';
import type { Room } from '../../../sync-server/room/room.ts';
import {
  MAX_PROJECTION_BACKLOG,
  MAX_UNCOMMITTED,
  MAX_UNCOMMITTED_BYTES,
} from '../../../sync-server/room/room-replica.ts';
import type { SegmentLimits } from '../../../sync-server/room/segment-roll.ts';
import { CommitGate } from '../../support/commit-gate.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';

const name = segmentName(ulid(1), 1);
const ann = person('ann');
/** The segment does not end, so that what waits is the peer's alone. */
const endless: SegmentLimits = {
  entries: Number.MAX_SAFE_INTEGER,
  bytes: Number.MAX_SAFE_INTEGER,
  sealedEntries: Number.MAX_SAFE_INTEGER,
  sealedBytes: Number.MAX_SAFE_INTEGER,
};

/** One change each, as a device sends them. */
function* changes(): Generator<Uint8Array> {
  const doc = new Y.Doc();
  for (let n = 1; ; n++) {
    const before = Y.encodeStateVector(doc);
    writeEntry(doc, message('ann', n));
    yield writeUpdate(Y.encodeStateAsUpdate(doc, before));
  }
}

function send(room: Room, peer: ListeningPeer, count: number, from = changes()): void {
  for (let n = 0; n < count; n++) room.receive(peer, from.next().value ?? new Uint8Array());
}

test('[BO6] as many changes wait for the disk as the bound says; the next is refused with "try later", and none is lost', async () => {
  const gate = new CommitGate();
  const { rooms, tally } = openRooms(gate.log, { segmentLimits: endless });
  const peer = new ListeningPeer(ann);
  const room = await rooms.join(name, peer);
  gate.hold();
  const device = changes();
  send(room, peer, MAX_UNCOMMITTED, device);
  expect(room.uncommitted).toBe(MAX_UNCOMMITTED);
  expect(peer.closes).toEqual([]);
  send(room, peer, 1, device);
  expect(peer.closes).toEqual([4529]);
  expect(room.uncommitted).toBe(MAX_UNCOMMITTED);
  await expect(room.entries.appendAs(ann, () => message('ann', 0))).rejects.toMatchObject({ code: 'too_many' });
  expect(tally.of('changes_put_off')).toBe(1);
  gate.release();
  await room.settled();
  expect(room.uncommitted).toBe(0);
  await room.entries.appendAs(ann, () => message('ann', 0));
  expect((await gate.log.read(name)).updates).toHaveLength(MAX_UNCOMMITTED + 1);
});

test('[BO6] 16 MiB of one room wait for the disk, and no change more', async () => {
  const gate = new CommitGate();
  const { rooms } = openRooms(gate.log, { segmentLimits: endless });
  const peer = new ListeningPeer(ann);
  const room = await rooms.join(name, peer);
  gate.hold();
  const doc = new Y.Doc();
  for (let n = 1; room.uncommittedBytes < MAX_UNCOMMITTED_BYTES; n++) {
    expect(peer.closes).toEqual([]);
    const before = Y.encodeStateVector(doc);
    writeEntry(doc, message('ann', n, { body: '€'.repeat(MAX_BODY_CHARS) }));
    room.receive(peer, writeUpdate(Y.encodeStateAsUpdate(doc, before)));
  }
  const before = Y.encodeStateVector(doc);
  writeEntry(doc, message('ann', 9_999));
  room.receive(peer, writeUpdate(Y.encodeStateAsUpdate(doc, before)));
  expect(peer.closes).toEqual([4529]);
  gate.release();
  await room.settled();
  expect(room.uncommittedBytes).toBe(0);
});

test('[BO7] while too much waits for its projection no change is taken, and nothing that was taken is lost', async () => {
  let backlog = MAX_PROJECTION_BACKLOG - 1;
  const { rooms } = openRooms(undefined, { projectionBacklog: () => backlog });
  const peer = new ListeningPeer(ann);
  const room = await rooms.join(name, peer);
  const device = changes();
  send(room, peer, 1, device);
  expect(peer.closes).toEqual([]);
  backlog = MAX_PROJECTION_BACKLOG;
  send(room, peer, 1, device);
  expect(peer.closes).toEqual([4529]);
  await room.settled();
  expect(room.entries.has(ulid(1))).toBe(true);
  expect(room.entries.has(ulid(2))).toBe(false);
});
