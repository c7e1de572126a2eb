// What fuzzing found, each as a test of its own.
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { briefName, segmentName } from '../../sync-server/protocol/document-name.ts';
import { readPeerFrame, writeUpdate } from '../../sync-server/protocol/frames.ts';
import { writeEntry } from '../../sync-server/protocol/segment.ts';
import { hasPending, loadDocument } from '../../sync-server/room/room-document.ts';
import { CommitGate } from '../support/commit-gate.ts';
import { message, person, ulid } from '../support/entries.ts';
import { ListeningPeer, openRooms } from '../support/rooms-in-memory.ts';
import { until } from '../support/until.ts';
import { type Action, happenings, LAPTOP, PHONE, SECOND_TAB } from './commands.ts';
import { playHistory } from './histories.ts';

const SEED = 2_026;

const paragraphOf = (doc: Y.Doc): Y.XmlText => {
  const first: unknown = doc.get('root', Y.XmlText).toDelta()[0]?.insert;
  if (!(first instanceof Y.XmlText)) throw new Error('a brief without a paragraph');
  return first;
};

test('[INV1] [INV2] [INV3] where Yjs tidies up after a change to a brief, the change is logged and shown with what was tidied', async () => {
  const { rooms, log } = openRooms();
  const name = briefName(ulid(1));
  const [ann, bob, reader] = ['ann', 'bob', 'cy'].map((id) => new ListeningPeer(person(id)));
  if (!ann || !bob || !reader) throw new Error('three people');
  const room = await rooms.join(name, ann);
  for (const peer of [bob, reader]) room.join(peer);
  const [one, two] = [new Y.Doc(), new Y.Doc()];
  one.get('root', Y.XmlText).insertEmbed(0, new Y.XmlText('everything'));
  room.receive(ann, writeUpdate(Y.encodeStateAsUpdate(one)));
  Y.applyUpdate(two, Y.encodeStateAsUpdate(one));
  // A letter is made bold by one device while another deletes it: what is left are marks around nothing.
  paragraphOf(one).format(2, 1, { bold: true });
  paragraphOf(two).delete(2, 1);
  room.receive(ann, writeUpdate(Y.encodeStateAsUpdate(one)));
  room.receive(bob, writeUpdate(Y.encodeStateAsUpdate(two)));
  paragraphOf(two).insert(0, 'nearly ');
  room.receive(bob, writeUpdate(Y.encodeStateAsUpdate(two)));
  await rooms.drain();
  const { doc, damage } = await loadDocument(log, name);
  expect(damage).toBeNull();
  expect(hasPending(doc)).toBe(false);
  expect(paragraphOf(doc).toString()).toBe('nearly evrything');
});

test('[DU1] [INV1] a greeting names no change that the log does not have, also where more came while it waited', async () => {
  const gate = new CommitGate();
  const { rooms } = openRooms(gate.log);
  const [ann, bob] = [new ListeningPeer(person('ann')), new ListeningPeer(person('bob'))];
  const room = await rooms.join(segmentName(ulid(1), 1), ann);
  const device = new Y.Doc();
  const write = (n: number): void => {
    writeEntry(device, message('ann', n));
    room.receive(ann, writeUpdate(Y.encodeStateAsUpdate(device)));
  };
  gate.hold();
  write(1);
  await until('the first change waits for the disk', () => gate.isHolding);
  room.join(bob);
  write(2);
  gate.release();
  gate.hold();
  const greeting = await until('the greeting', () =>
    bob.sent.map((bytes) => readPeerFrame(bytes)).find((frame) => frame.kind === 'step1'),
  );
  if (greeting.kind !== 'step1') throw new Error('a greeting is a step 1');
  expect(Y.decodeStateVector(greeting.stateVector).get(device.clientID)).toBe(1);
  gate.release();
  await rooms.drain();
});

/** Histories that went wrong once, or nearly: what each is about, and what happens in it. */
const HISTORIES: Readonly<Record<string, readonly Action[]>> = {
  'the server dies as the worker comes': [
    { kind: 'kill', afterTurns: 34, isSlow: true },
    { kind: 'rename' },
    { kind: 'write', device: LAPTOP, count: 1 },
  ],
  'a refused entry goes away where it was written, while the chat is in the bin and a line is bad': [
    { kind: 'reload', device: SECOND_TAB },
    { kind: 'lockOut' },
    { kind: 'bin' },
    { kind: 'compact' },
    { kind: 'network', device: PHONE, isFaulty: true },
    { kind: 'kill', afterTurns: 20, isSlow: false },
    { kind: 'write', device: LAPTOP, count: 1 },
  ],
  'a segment ends under an answer, with its worker dead and one who wrote to it offline': [
    { kind: 'offline', device: PHONE },
    { kind: 'write', device: PHONE, count: 6 },
    { kind: 'ask', device: LAPTOP },
    { kind: 'pause', ms: 200 },
    { kind: 'killWorker' },
    { kind: 'roll', device: SECOND_TAB },
    { kind: 'roll', device: LAPTOP },
    { kind: 'kill', afterTurns: 3, isSlow: false },
    { kind: 'online', device: PHONE },
    { kind: 'ask', device: PHONE },
  ],
};

for (const [name, history] of Object.entries(HISTORIES)) {
  test(`[INV1] [INV2] [INV3] [INV4] [INV5] ${name}`, async () => {
    expect(await playHistory(happenings(history), SEED)).toEqual([]);
  });
}
