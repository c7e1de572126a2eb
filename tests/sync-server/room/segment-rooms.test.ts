import * as decoding from 'lib0/decoding';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { MemoryUpdateLog } from '../../../persistence/log/memory-update-log.ts';
import type { LeaseGrant } from '../../../sync-server/leases.ts';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import type { Entry, ReplyEntry } from '../../../sync-server/protocol/entry.ts';
import { fold } from '../../../sync-server/protocol/fold.ts';
import { FRAME, readNack, writeUpdate } from '../../../sync-server/protocol/frames.ts';
import { deriveId } from '../../../sync-server/protocol/ids.ts';
import type { Principal } from '../../../sync-server/protocol/principal.ts';
import {
  createLiveRow,
  finishLiveRow,
  readEntries,
  rowIdOf,
  writeEntry,
} from '../../../sync-server/protocol/segment.ts';
import type { Room } from '../../../sync-server/room/room.ts';
import { loadDocument } from '../../../sync-server/room/room-document.ts';
import { CommitGate } from '../../support/commit-gate.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { ListeningPeer, openRooms, type RoomsInMemory } from '../../support/rooms-in-memory.ts';
import { until } from '../../support/until.ts';

const SESSION = ulid(1);
const LIMITS = { entries: 3, bytes: 100_000, sealedEntries: 6, sealedBytes: 200_000 };
const turn = deriveId('reply', 'one');
const lease: LeaseGrant = {
  turn,
  attempt: 1,
  document: segmentName(SESSION, 1),
  clientId: 4_000,
  rowId: rowIdOf(turn, 1),
  agent: 'daena',
  step: 'answer',
  cause: ulid(1),
};
const ROW = {
  turn,
  attempt: 1,
  agent: 'daena',
  cause: ulid(1),
  step: 'answer',
  at: 1,
  model: 'small',
  isRehearsed: false,
} as const;
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

/** A replica of one segment, whose changes go to its room one frame each. */
class Device {
  readonly doc = new Y.Doc();
  readonly peer: ListeningPeer;
  readonly #room: Room;

  constructor(room: Room, peer: ListeningPeer) {
    this.#room = room;
    this.peer = peer;
    this.doc.on('update', (update: Uint8Array) => room.receive(peer, writeUpdate(update)));
  }

  static async join(office: RoomsInMemory, segment: number, who: Principal, held?: LeaseGrant): Promise<Device> {
    const peer = new ListeningPeer(who, held ?? null);
    return new Device(await office.rooms.join(segmentName(SESSION, segment), peer), peer);
  }

  /** Each as a change of its own. */
  write(...entries: readonly Entry[]): void {
    for (const entry of entries) this.doc.transact(() => writeEntry(this.doc, entry));
  }

  /** All as one change. */
  writeAtOnce(...entries: readonly Entry[]): void {
    this.doc.transact(() => {
      for (const entry of entries) writeEntry(this.doc, entry);
    });
  }

  get refusals(): string[] {
    return this.peer.sent.flatMap((frame) => {
      const decoder = decoding.createDecoder(frame);
      return decoding.readVarUint(decoder) === FRAME.nack ? [readNack(decoder).code] : [];
    });
  }

  settled(): Promise<void> {
    return this.#room.settled();
  }
}

async function entriesIn(log: MemoryUpdateLog, segment: number): Promise<Entry[]> {
  return readEntries((await loadDocument(log, segmentName(SESSION, segment))).doc);
}

const kindsIn = async (log: MemoryUpdateLog, segment: number): Promise<string[]> =>
  (await entriesIn(log, segment)).map(({ kind }) => kind).sort();

const messages = (author: string, from: number, count: number): Entry[] =>
  Array.from({ length: count }, (_, index) => message(author, from + index));

test('[SG1] a segment is sealed with the entry that fills it, and once', async () => {
  const office = openRooms(new MemoryUpdateLog(), { segmentLimits: LIMITS });
  const ann = await Device.join(office, 1, person('ann'));
  ann.write(...messages('ann', 1, 2));
  await ann.settled();
  expect(await kindsIn(office.log, 1)).toEqual(['message', 'message']);
  ann.write(...messages('ann', 3, 2));
  await ann.settled();
  const sealed = (await entriesIn(office.log, 1)).filter(({ kind }) => kind === 'sealed');
  expect(sealed).toEqual([
    {
      id: deriveId('sealed', SESSION, '1'),
      kind: 'sealed',
      author: 'office',
      at: expect.any(Number),
      next: 2,
    },
  ]);
  expect(await kindsIn(office.log, 1)).toHaveLength(5);
});

test('[SG1] a segment is sealed by what its entries weigh, too', async () => {
  const segmentLimits = { ...LIMITS, entries: 1_000, bytes: 20_000 };
  const office = openRooms(new MemoryUpdateLog(), { segmentLimits });
  const ann = await Device.join(office, 1, person('ann'));
  ann.write(message('ann', 1, { body: 'ä'.repeat(9_500) }));
  await ann.settled();
  expect(await kindsIn(office.log, 1)).toEqual(['message']);
  ann.write(message('ann', 2, { body: 'x'.repeat(1_000) }));
  await ann.settled();
  expect(await kindsIn(office.log, 1)).toEqual(['message', 'message', 'sealed']);
});

test('[SG1] while an agent writes a full segment goes on, until its answer is there', async () => {
  const office = openRooms(new MemoryUpdateLog(), { segmentLimits: LIMITS });
  office.leases.grant(lease);
  const worker = await Device.join(office, 1, { kind: 'worker', id: 'worker' }, lease);
  worker.doc.clientID = lease.clientId;
  const ann = await Device.join(office, 1, person('ann'));
  ann.write(...messages('ann', 1, 4));
  createLiveRow(worker.doc, ROW).text.insert(0, 'an answer');
  await ann.settled();
  expect(await kindsIn(office.log, 1)).not.toContain('sealed');
  finishLiveRow(worker.doc, lease.rowId, reply);
  await ann.settled();
  expect(await kindsIn(office.log, 1)).toEqual(['message', 'message', 'message', 'message', 'reply', 'sealed']);
  expect(worker.peer.closes).toEqual([]);
});

test('[SG1] [SG4] [SG6] at twice its limits a segment ends whoever writes; the agent finishes where it began, late', async () => {
  const late: string[] = [];
  const office = openRooms(new MemoryUpdateLog(), {
    segmentLimits: LIMITS,
    arrivedLate: (_session, ids) => late.push(...ids),
  });
  office.leases.grant(lease);
  const worker = await Device.join(office, 1, { kind: 'worker', id: 'worker' }, lease);
  worker.doc.clientID = lease.clientId;
  createLiveRow(worker.doc, ROW).text.insert(0, 'an');
  const ann = await Device.join(office, 1, person('ann'));
  const now = { at: Date.now() };
  for (let n = 1; n <= 6; n++) ann.write(message('ann', n, now));
  await ann.settled();
  expect(await kindsIn(office.log, 1)).toContain('sealed');
  expect(late).toEqual([]);
  finishLiveRow(worker.doc, lease.rowId, { ...reply, at: Date.now() });
  await ann.settled();
  await until('the answer is named', () => late.length === 1);
  expect(late).toEqual([turn]);
  expect(worker.peer.closes).toEqual([]);
  expect(await kindsIn(office.log, 1)).toContain('reply');
});

test('[SG2] [DU1] nobody sees a seal that the log does not have; where the disk refuses it, the segment goes on', async () => {
  const gate = new CommitGate();
  const office = openRooms(gate.log, { segmentLimits: LIMITS });
  const [ann, bob] = [await Device.join(office, 1, person('ann')), await Device.join(office, 1, person('bob'))];
  const told = bob.peer.sent.length;
  gate.hold();
  ann.write(...messages('ann', 1, 3));
  await until('the log was asked', () => gate.isHolding);
  expect(bob.peer.sent).toHaveLength(told);
  gate.isRefusing = true;
  gate.release();
  await until('the room is gone', () => bob.peer.closes.length === 1);
  expect(bob.peer.sent).toHaveLength(told);
  expect(await kindsIn(gate.log, 1)).toEqual([]);
  gate.isRefusing = false;
});

test('[SG4] a sealed segment takes a bounded rest; beyond it every entry is refused with `sealed`, and none is lost twice', async () => {
  const office = openRooms(new MemoryUpdateLog(), { segmentLimits: LIMITS });
  const ann = await Device.join(office, 1, person('ann'));
  ann.write(...messages('ann', 1, 3));
  const bob = await Device.join(office, 1, person('bob'));
  // Three messages and the seal are there: two more fit.
  bob.writeAtOnce(...messages('bob', 11, 4));
  bob.write(message('bob', 15));
  await bob.settled();
  expect(bob.refusals).toEqual(['sealed', 'sealed', 'sealed']);
  expect(bob.peer.closes).toEqual([]);
  expect(await kindsIn(office.log, 1)).toHaveLength(6);
  // What is there already is as good as saved; a worker under a lease still comes to its end.
  ann.peer.sent.length = 0;
  const twin = await Device.join(office, 1, person('ann'));
  twin.write(message('ann', 1));
  await twin.settled();
  expect(twin.refusals).toEqual([]);
  const later = await Device.join(office, 2, person('bob'));
  later.write(message('bob', 13));
  await later.settled();
  expect(await kindsIn(office.log, 2)).toEqual(['message']);
});

test('[DU5] [SG4] a device hears that an entry was not taken before it hears that its place is durable', async () => {
  const office = openRooms(new MemoryUpdateLog(), { segmentLimits: LIMITS });
  const ann = await Device.join(office, 1, person('ann'));
  ann.write(message('ann', 2, { at: 1e15 }));
  await ann.settled();
  expect(ann.refusals).toEqual(['clock']);
  const types = ann.peer.sent.map((frame) => decoding.readVarUint(decoding.createDecoder(frame)));
  expect(types.lastIndexOf(FRAME.nack)).toBeLessThan(types.lastIndexOf(FRAME.receipt));
});

test('[GA11] [SG3] an edit that comes before the message that it edits, on its way to an earlier segment, is taken', async () => {
  const office = openRooms(new MemoryUpdateLog(), { segmentLimits: LIMITS });
  const common = { author: 'ann', at: 2_000, target: ulid(7) };
  const later = await Device.join(office, 2, person('ann'));
  later.write({ ...common, id: ulid(20), kind: 'edit', body: 'better', mentions: [] });
  // An answer's id can be guessed before it is there.
  later.write({ ...common, id: ulid(21), kind: 'retract', target: deriveId('reply', SESSION, '1') });
  await later.settled();
  expect(later.refusals).toEqual(['permission']);
  const earlier = await Device.join(office, 1, person('ann'));
  earlier.write(message('ann', 7));
  await earlier.settled();
  const entries = [...(await entriesIn(office.log, 1)), ...(await entriesIn(office.log, 2))];
  expect(fold(entries).items).toMatchObject([{ id: ulid(7), body: 'better' }]);
});

test('[SG4] the bytes of a sealed segment are bounded, too', async () => {
  const segmentLimits = { ...LIMITS, sealedEntries: 1_000, sealedBytes: 20_000 };
  const office = openRooms(new MemoryUpdateLog(), { segmentLimits });
  const ann = await Device.join(office, 1, person('ann'));
  ann.write(...messages('ann', 1, 3));
  ann.writeAtOnce(...[4, 5, 6].map((n) => message('ann', n, { body: 'x'.repeat(9_000) })));
  await ann.settled();
  expect(ann.refusals).toEqual(['sealed']);
});

test('[SG3] [INV4] the same id in two segments at once is taken once, while nothing is projected yet', async () => {
  const office = openRooms(new MemoryUpdateLog(), {
    segmentLimits: LIMITS,
    project: () => new Promise(() => undefined),
  });
  const [first, second] = [await Device.join(office, 1, person('ann')), await Device.join(office, 2, person('ann'))];
  const stranger = await Device.join(office, 2, person('bob'));
  first.write(message('ann', 7));
  // Not committed yet, and already taken: word for word it is as good as saved, and otherwise refused.
  second.write(message('ann', 7));
  stranger.write(message('bob', 7));
  second.write(message('ann', 8, { body: 'in the second' }));
  first.write(message('ann', 8, { body: 'in the first' }));
  await until('all is told', () => first.refusals.length + stranger.refusals.length === 2);
  expect([first.refusals, second.refusals, stranger.refusals]).toEqual([['duplicate'], [], ['duplicate']]);
  expect((await entriesIn(office.log, 1)).map(({ id }) => id)).toEqual([ulid(7)]);
  expect((await entriesIn(office.log, 2)).map(({ id }) => id)).toEqual([ulid(8)]);
});

test('[SG3] an id whose commit was refused is free again', async () => {
  const gate = new CommitGate();
  const office = openRooms(gate.log, { project: () => new Promise(() => undefined) });
  const [first, second] = [await Device.join(office, 1, person('ann')), await Device.join(office, 2, person('ann'))];
  gate.isRefusing = true;
  first.write(message('ann', 7));
  await until('the room is gone', () => first.peer.closes.length === 1);
  gate.isRefusing = false;
  second.write(message('ann', 7));
  await until('the entry is there', async () => (await entriesIn(gate.log, 2)).length === 1);
});

test('[SG3] edits and retractions reach entries of other segments that are not projected yet, and only by those who may', async () => {
  const office = openRooms(new MemoryUpdateLog(), { project: () => new Promise(() => undefined) });
  const ann = await Device.join(office, 1, person('ann'));
  ann.write(message('ann', 1));
  const [annNow, bobNow] = [await Device.join(office, 2, person('ann')), await Device.join(office, 2, person('bob'))];
  const edit = (author: string, n: number): Entry => {
    return { id: ulid(n), kind: 'edit', author, at: 2, target: ulid(1), body: 'better', mentions: [] };
  };
  annNow.write(edit('ann', 21));
  bobNow.write(edit('bob', 22), { id: ulid(23), kind: 'retract', author: 'bob', at: 2, target: ulid(1) });
  await until('bob is told', () => bobNow.refusals.length === 2);
  expect(bobNow.refusals).toEqual(['permission', 'permission']);
  await until('the edit is there', async () => (await entriesIn(office.log, 2)).length === 1);
  expect(await kindsIn(office.log, 2)).toEqual(['edit']);
});

test('[SG9] a fresh segment does not begin before what the session held already', async () => {
  const office = openRooms(new MemoryUpdateLog(), { project: () => new Promise(() => undefined) });
  const ann = await Device.join(office, 1, person('ann'));
  const ahead = Date.now() + 60_000;
  ann.write(message('ann', 1, { at: ahead }));
  const newest = await office.rooms.use(segmentName(SESSION, 2), async ({ entries }) => entries.newestAt);
  expect(newest).toBe(ahead);
});
