import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import { readPeerFrame, writeAwareness, writeUpdate } from '../../../sync-server/protocol/frames.ts';
import { writeEntry } from '../../../sync-server/protocol/segment.ts';
import { MessageFramer } from '../../../sync-server/sockets/message-framer.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';
import { until } from '../../support/until.ts';

const PEOPLE = 500;
const name = segmentName(ulid(1), 1);

/** A connection whose bytes are framed for the wire as those of real sockets are. */
class FramedPeer extends ListeningPeer {
  readonly framed: Uint8Array[] = [];
  readonly #framer: MessageFramer;

  constructor(id: string, framer: MessageFramer) {
    super(person(id));
    this.#framer = framer;
  }

  override send(frame: Uint8Array): void {
    super.send(frame);
    this.framed.push(this.#framer.framed(frame));
  }
}

async function fullRoom() {
  const { rooms, tally } = openRooms();
  const framer = new MessageFramer();
  const peers = Array.from({ length: PEOPLE }, (_, n) => new FramedPeer(`person-${n}`, framer));
  const [first] = peers;
  if (!first) throw new RangeError('a room of nobody');
  const room = await rooms.join(name, first);
  for (const peer of peers.slice(1)) room.join(peer);
  return { room, peers, first, tally };
}

const presenceTo = (peer: ListeningPeer) =>
  peer.sent.map(readPeerFrame).flatMap((frame) => (frame.kind === 'awareness' ? [frame.states] : []));
/** Presence frames that tell of somebody else; the others ask a connection to say again who it is. */
const newsTo = (peer: ListeningPeer) =>
  presenceTo(peer).filter((states) => states.some(({ state }) => state !== 'null'));

test('[BO14] a change in a room of 500 is encoded once and written 499 times, all the same bytes', async () => {
  const { room, peers, first, tally } = await fullRoom();
  const before = peers.map(({ framed }) => framed.length);
  const doc = new Y.Doc();
  writeEntry(doc, message('person-0', 1));
  room.receive(first, writeUpdate(Y.encodeStateAsUpdate(doc)));
  await until('everyone has it', () => peers.every(({ framed }, n) => framed.length === (before[n] ?? 0) + 1));
  expect([tally.of('updates_relayed'), tally.of('updates_delivered')]).toEqual([1, PEOPLE - 1]);
  const others = peers.filter((peer) => peer !== first);
  expect(new Set(others.map(({ framed }) => framed.at(-1))).size).toBe(1);
});

test('[BO14] [AW2] 500 people who come and show themselves at once cost each connection a frame per tick, not one per person', async () => {
  const { room, peers, tally } = await fullRoom();
  peers.forEach((peer, n) => {
    room.receive(peer, writeAwareness([{ client: n + 1, clock: 1, state: '{"isTyping":true}' }]));
  });
  const seen = (peer: ListeningPeer): number =>
    new Set(newsTo(peer).flatMap((states) => states.map(({ client }) => client))).size;
  await until('everyone sees everyone', () => peers.every((peer) => seen(peer) === PEOPLE));
  // One frame for all who were there, or two where the timer fell between them.
  expect(Math.max(...peers.map((peer) => newsTo(peer).length))).toBeLessThanOrEqual(2);
  expect(tally.of('presence_encoded')).toBeLessThanOrEqual(4);
  expect(peers.reduce((sum, { sent }) => sum + sent.length, 0)).toBeLessThanOrEqual(4 * PEOPLE);

  const sentBefore = peers.reduce((sum, { sent }) => sum + sent.length, 0);
  const encodedBefore = tally.of('presence_encoded');
  for (const peer of peers.slice(0, PEOPLE / 2)) room.leave(peer);
  const stayed = peers.slice(PEOPLE / 2);
  const gone = (peer: ListeningPeer): number =>
    new Set(
      presenceTo(peer).flatMap((states) => states.flatMap(({ client, state }) => (state === 'null' ? [client] : []))),
    ).size;
  await until('all hear who left', () => stayed.every((peer) => gone(peer) >= PEOPLE / 2));
  expect(peers.reduce((sum, { sent }) => sum + sent.length, 0) - sentBefore).toBeLessThanOrEqual(2 * stayed.length);
  expect(tally.of('presence_encoded') - encodedBefore).toBeLessThanOrEqual(2);
});
