import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import { readPeerFrame, writeStep1, writeUpdate } from '../../../sync-server/protocol/frames.ts';
import { readEntries, writeEntry } from '../../../sync-server/protocol/segment.ts';
import type { Room } from '../../../sync-server/room/room.ts';
import { BEHIND_BUFFER_BYTES } from '../../../sync-server/room/slow-reader.ts';
import { CommitGate } from '../../support/commit-gate.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';
import { until } from '../../support/until.ts';

const SEED = Number(process.env.DAENA_FUZZ_SEED ?? 2026);
const name = segmentName(ulid(1), 1);
const READERS = 3;
/** As often as a room looks at those who fell behind, in ms. */
const LOOK_MS = 100;

const reader = fc.integer({ min: 0, max: READERS - 1 });
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('write'), writer: fc.integer({ min: 0, max: 1 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('stall'), reader }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('read'), reader }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('ask'), reader }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('look') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('hold') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('release') }) },
);
type Action = { readonly type: string; readonly writer?: number; readonly reader?: number };

class Device {
  readonly peer: ListeningPeer;
  readonly doc = new Y.Doc();
  #read = 0;

  constructor(id: string) {
    this.peer = new ListeningPeer(person(id));
  }

  write(room: Room, n: number): void {
    const before = Y.encodeStateVector(this.doc);
    writeEntry(this.doc, message(this.peer.principal.id, n));
    room.receive(this.peer, writeUpdate(Y.encodeStateAsUpdate(this.doc, before)));
  }

  /** Takes in what was sent so far; never waits for what it lacks. */
  read(): void {
    this.peer.unsentBytes = 0;
    for (const frame of this.peer.sent.slice(this.#read).map(readPeerFrame)) {
      if (frame.kind === 'update') Y.applyUpdate(this.doc, frame.update);
    }
    this.#read = this.peer.sent.length;
    expect(this.doc.store.pendingStructs).toBeNull();
  }
}

async function live(actions: readonly Action[]): Promise<void> {
  const gate = new CommitGate();
  const clock = new ManualClock(1_000_000, 0);
  const { rooms } = openRooms(gate.log, { clock });
  const writers = ['ann', 'bob'].map((id) => new Device(id));
  const readers = Array.from({ length: READERS }, () => new Device('carol'));
  const devices = [...writers, ...readers];
  const first = devices[0];
  if (!first) throw new RangeError('nobody');
  const room = await rooms.join(name, first.peer);
  for (const device of devices.slice(1)) room.join(device.peer);
  let entries = 0;
  let isHeld = false;
  for (const { type, writer = 0, reader: at = 0 } of actions) {
    const device = readers[at];
    if (type === 'write') writers[writer]?.write(room, ++entries);
    else if (type === 'stall' && device) device.peer.unsentBytes = BEHIND_BUFFER_BYTES + 1;
    else if (type === 'read') device?.read();
    else if (type === 'ask' && device) room.receive(device.peer, writeStep1(Y.encodeStateVector(device.doc)));
    else if (type === 'look') clock.advance(LOOK_MS);
    else if (type === 'hold' && !isHeld) gate.hold();
    else if (type === 'release') gate.release();
    if (type === 'hold' || type === 'release') isHeld = type === 'hold';
    // Lets what was decided happen: commits end in microtasks.
    await new Promise((resolve) => setImmediate(resolve));
    const logged = new Y.Doc();
    for (const update of (await gate.log.read(name)).updates) Y.applyUpdate(logged, update);
    for (const { doc } of readers) {
      for (const [client, clockThere] of Y.decodeStateVector(Y.encodeStateVector(doc))) {
        expect(clockThere).toBeLessThanOrEqual(Y.getState(logged.store, client));
      }
    }
  }
  gate.release();
  await room.settled();
  await until('every reader has all', () => {
    for (const device of devices) device.read();
    clock.advance(LOOK_MS);
    return devices.every(({ doc }) => readEntries(doc).length === entries);
  });
  expect(devices.flatMap(({ peer }) => peer.closes)).toEqual([]);
}

test(`[BO3] [INV2] [INV3] [INV11] in whatever way readers stall and go on, they lack nothing in the end, and see nothing before its commit (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 60 }), (actions) => live(actions)),
    { seed: SEED, numRuns: 60 },
  );
});
