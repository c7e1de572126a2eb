import * as decoding from 'lib0/decoding';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import {
  FRAME,
  type PeerFrame,
  readPeerFrame,
  writeAwareness,
  writeStep1,
  writeUpdate,
} from '../../../sync-server/protocol/frames.ts';
import { readRetryHint } from '../../../sync-server/protocol/retry-hint.ts';
import { readEntries, writeEntry } from '../../../sync-server/protocol/segment.ts';
import type { Room } from '../../../sync-server/room/room.ts';
import {
  BEHIND_BUFFER_BYTES,
  DRAINED_BUFFER_BYTES,
  MAX_BEHIND_MS,
  MAX_BUFFER_BYTES,
  PRESENCE_BUFFER_BYTES,
  readingOf,
} from '../../../sync-server/room/slow-reader.ts';
import { CommitGate } from '../../support/commit-gate.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';
import { until } from '../../support/until.ts';

const name = segmentName(ulid(1), 1);
type UpdateFrame = Extract<PeerFrame, { kind: 'update' }>;

const framesOf = (peer: ListeningPeer, kind: PeerFrame['kind']): PeerFrame[] =>
  peer.sent.map(readPeerFrame).filter((frame) => frame.kind === kind);
const updatesTo = (peer: ListeningPeer): UpdateFrame[] =>
  peer.sent.map(readPeerFrame).filter((frame) => frame.kind === 'update');
const typesTo = (peer: ListeningPeer): number[] =>
  peer.sent.map((frame) => decoding.readVarUint(decoding.createDecoder(frame)));

/** What a device shows that read all that a peer was sent. */
function replicaOf(peer: ListeningPeer): Y.Doc {
  const doc = new Y.Doc();
  for (const { update } of updatesTo(peer)) Y.applyUpdate(doc, update);
  return doc;
}

class Writer {
  readonly peer = new ListeningPeer(person('ann'));
  readonly #doc = new Y.Doc();
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
    room.join(this.peer);
  }

  write(n: number): void {
    const before = Y.encodeStateVector(this.#doc);
    writeEntry(this.#doc, message('ann', n));
    this.#room.receive(this.peer, writeUpdate(Y.encodeStateAsUpdate(this.#doc, before)));
  }

  receipts(): number {
    return typesTo(this.peer).filter((type) => type === FRAME.receipt).length;
  }
}

async function roomWithReader(gate = new CommitGate()) {
  const { rooms, clock, tally } = openRooms(gate.log);
  const reader = new ListeningPeer(person('bob'));
  const room = await rooms.join(name, reader);
  const writer = new Writer(room);
  return { gate, rooms, clock, tally, reader, room, writer };
}

test('[BO2] what waits for a connection says how it reads, to the byte', () => {
  for (const [bytes, reading] of [
    [0, 'prompt'],
    [PRESENCE_BUFFER_BYTES, 'prompt'],
    [PRESENCE_BUFFER_BYTES + 1, 'slow'],
    [BEHIND_BUFFER_BYTES, 'slow'],
    [BEHIND_BUFFER_BYTES + 1, 'behind'],
    [MAX_BUFFER_BYTES, 'behind'],
    [MAX_BUFFER_BYTES + 1, 'stuck'],
  ] as const) {
    expect([bytes, readingOf(bytes)]).toEqual([bytes, reading]);
  }
});

test('[BO2] up to the first bound a connection gets presence, above it none, and changes still', async () => {
  const { reader, room, writer, tally } = await roomWithReader();
  const show = (clock: number): void =>
    room.receive(writer.peer, writeAwareness([{ client: 7, clock, state: `{"n":${clock}}` }]));
  reader.unsentBytes = PRESENCE_BUFFER_BYTES;
  show(1);
  await until('presence', () => framesOf(reader, 'awareness').length === 1);
  reader.unsentBytes = PRESENCE_BUFFER_BYTES + 1;
  const droppedBefore = tally.of('presence_dropped');
  show(2);
  writer.write(1);
  await until('presence is dropped', () => tally.of('presence_dropped') > droppedBefore);
  await until('the change', () => updatesTo(reader).length === 1);
  expect(framesOf(reader, 'awareness')).toHaveLength(1);
});

test('[BO3] above the second bound changes are kept back, and come as one once what waited was read', async () => {
  const { reader, writer, tally } = await roomWithReader();
  reader.unsentBytes = BEHIND_BUFFER_BYTES;
  writer.write(1);
  await until('the change', () => updatesTo(reader).length === 1);
  reader.unsentBytes = BEHIND_BUFFER_BYTES + 1;
  for (let n = 2; n <= 20; n++) writer.write(n);
  await until('all are durable', () => writer.receipts() === 20);
  // Read in part: behind is behind until nearly all was read.
  reader.unsentBytes = DRAINED_BUFFER_BYTES + 1;
  writer.write(21);
  await until('durable', () => writer.receipts() === 21);
  expect(updatesTo(reader)).toHaveLength(1);
  reader.unsentBytes = DRAINED_BUFFER_BYTES;
  await until('what it lacks', () => updatesTo(reader).length === 2);
  expect(readEntries(replicaOf(reader))).toHaveLength(21);
  expect(Y.parseUpdateMeta(updatesTo(reader)[1]?.update ?? new Uint8Array()).from.size).toBe(1);
  expect([...Y.parseUpdateMeta(updatesTo(reader)[1]?.update ?? new Uint8Array()).from.values()]).toEqual([1]);
  reader.unsentBytes = 0;
  writer.write(22);
  await until('again one by one', () => updatesTo(reader).length === 3);
  expect([tally.of('peers_behind'), tally.of('peers_resynced')]).toEqual([1, 1]);
  expect(reader.closes).toEqual([]);
});

test('[BO3] [INV2] what it lacks waits for the commit like all else', async () => {
  const { gate, reader, room, writer, clock } = await roomWithReader();
  const other = new ListeningPeer(person('bob'));
  room.join(other);
  reader.unsentBytes = BEHIND_BUFFER_BYTES + 1;
  other.unsentBytes = BEHIND_BUFFER_BYTES + 1;
  writer.write(1);
  await until('durable', () => writer.receipts() === 1);
  gate.hold();
  writer.write(2);
  await until('the log was asked', () => gate.isHolding);
  reader.unsentBytes = 0;
  // The room looks at its readers in their order: where the other one was given up, this one has been looked at.
  clock.advance(MAX_BEHIND_MS);
  await until('the room has looked', () => other.closes.length > 0);
  expect(updatesTo(reader)).toEqual([]);
  gate.release();
  await until('what it lacks', () => updatesTo(reader).length > 0);
  await until('all', () => readEntries(replicaOf(reader)).length === 2);
  writer.write(3);
  await until('in order', () => readEntries(replicaOf(reader)).length === 3);
});

test('[BO3] behind, a connection still gets receipts, and its own question is answered with what it lacks', async () => {
  const { reader, room, writer } = await roomWithReader();
  const own = new Y.Doc();
  reader.unsentBytes = BEHIND_BUFFER_BYTES + 1;
  writer.write(1);
  await until('durable', () => writer.receipts() === 1);
  writeEntry(own, message('bob', 2));
  room.receive(reader, writeUpdate(Y.encodeStateAsUpdate(own)));
  room.receive(reader, writeStep1(Y.encodeStateVector(own)));
  await until('a receipt', () => typesTo(reader).includes(FRAME.receipt));
  expect(updatesTo(reader)).toEqual([]);
  reader.unsentBytes = 0;
  const [answer] = await until('an answer', () => updatesTo(reader).length > 0 && updatesTo(reader));
  expect(answer?.isStep2).toBe(true);
  Y.applyUpdate(own, answer?.update ?? new Uint8Array());
  expect(readEntries(own)).toHaveLength(2);
});

test('[BO4] one that is behind for too long, or has too much waiting, is closed with "try later" and a time', async () => {
  const { reader, room, writer, clock, tally } = await roomWithReader();
  const other = new ListeningPeer(person('bob'));
  room.join(other);
  reader.unsentBytes = BEHIND_BUFFER_BYTES + 1;
  other.unsentBytes = BEHIND_BUFFER_BYTES + 1;
  writer.write(1);
  await until('behind', () => room.behindCount === 2);
  clock.advance(MAX_BEHIND_MS - 1);
  other.unsentBytes = 0;
  await until('the room has looked', () => updatesTo(other).length > 0);
  expect(reader.closes).toEqual([]);
  clock.advance(1);
  await until('closed', () => reader.closes.length > 0);
  expect(reader.closes).toEqual([4529]);
  expect(room.behindCount).toBe(0);

  const stuck = new ListeningPeer(person('bob'));
  room.join(stuck);
  stuck.unsentBytes = MAX_BUFFER_BYTES;
  writer.write(2);
  await until('durable', () => writer.receipts() === 2);
  expect(stuck.closes).toEqual([]);
  stuck.unsentBytes = MAX_BUFFER_BYTES + 1;
  room.receive(stuck, writeUpdate(Y.encodeStateAsUpdate(replicaOf(writer.peer))));
  const own = new Y.Doc();
  writeEntry(own, message('bob', 3));
  room.receive(stuck, writeUpdate(Y.encodeStateAsUpdate(own)));
  await until('closed', () => stuck.closes.length > 0);
  expect(stuck.closes).toEqual([4529]);
  expect(tally.of('peers_too_slow')).toBe(2);
});

test('[BO5] a reason without a time has none, and one with a time is bounded', () => {
  expect(readRetryHint('the office is restarting')).toBeNull();
  expect(readRetryHint('the office is restarting; retry in 750 ms')).toBe(750);
  expect(readRetryHint('x; retry in 999999999 ms')).toBe(3_000);
});
