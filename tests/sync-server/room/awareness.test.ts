import { expect, test } from 'vitest';
import { type AwarenessState, MAX_AWARENESS_STATE_BYTES } from '../../../sync-server/protocol/frames.ts';
import {
  MAX_CLAIMS_PER_PEER,
  MAX_CLAIMS_PER_ROOM,
  MAX_PRESENCE_BYTES,
  MAX_TOMBSTONES,
  RoomAwareness,
  TOMBSTONE_MS,
} from '../../../sync-server/room/room-awareness.ts';
import { person } from '../../support/entries.ts';
import { ListeningPeer } from '../../support/rooms-in-memory.ts';

const anyone = (): boolean => true;
const said = (client: number, clock: number, state = '{}'): AwarenessState => ({ client, clock, state });

class Presence {
  readonly awareness = new RoomAwareness();
  nowMs = 0;

  say(peer: ListeningPeer, ...states: AwarenessState[]): void {
    this.awareness.receive(peer, states, anyone, this.nowMs);
  }

  leave(peer: ListeningPeer): void {
    this.awareness.leave(peer, this.nowMs);
  }

  /** Clocks by client id, of those who are here. */
  get clocks(): Record<number, number> {
    return Object.fromEntries(this.awareness.snapshot().map(({ client, clock }) => [client, clock]));
  }

  /** Whom the server asked to say again what they said, and above which clock. */
  get asked(): (readonly [ListeningPeer | undefined, number, number])[] {
    return this.awareness
      .takeQuestions()
      .map(({ peer, state }) => [peer instanceof ListeningPeer ? peer : undefined, state.client, state.clock]);
  }
}

const peerOf = (id: string): ListeningPeer => new ListeningPeer(person(id));

test('[BO10] one connection shows eight client ids, and a ninth is passed over', () => {
  const presence = new Presence();
  const ann = peerOf('ann');
  presence.say(ann, ...Array.from({ length: MAX_CLAIMS_PER_PEER + 1 }, (_, n) => said(n + 1, 1)));
  expect(presence.awareness.count).toBe(MAX_CLAIMS_PER_PEER);
  presence.say(ann, said(1, 2, 'null'));
  presence.say(ann, said(100, 1));
  expect(presence.clocks[100]).toBe(1);
});

test('[BO10] a state of 4 KiB is shown, and one byte more is passed over', () => {
  const presence = new Presence();
  const ofBytes = (sizeBytes: number): string => {
    const empty = JSON.stringify({ text: '' });
    return JSON.stringify({ text: 'x'.repeat(sizeBytes - empty.length) });
  };
  presence.say(peerOf('ann'), said(1, 1, ofBytes(MAX_AWARENESS_STATE_BYTES)));
  presence.say(peerOf('bob'), said(2, 1, ofBytes(MAX_AWARENESS_STATE_BYTES + 1)));
  expect(presence.clocks).toEqual({ 1: 1 });
});

test('[BO10] a room shows 2,000 client ids, and 2 MiB of states', () => {
  const many = new Presence();
  for (let n = 1; n <= MAX_CLAIMS_PER_ROOM + 1; n++) many.say(peerOf(`p${n}`), said(n, 1));
  expect(many.awareness.count).toBe(MAX_CLAIMS_PER_ROOM);

  const large = new Presence();
  const text = 'x'.repeat(MAX_AWARENESS_STATE_BYTES - 100);
  for (let n = 1; n < MAX_CLAIMS_PER_ROOM; n++) large.say(peerOf('ann'), said(n, 1, JSON.stringify({ text })));
  const shown = large.awareness.snapshot();
  const sizeBytes = shown.reduce((sum, { state }) => sum + Buffer.byteLength(state), 0);
  expect(sizeBytes).toBeLessThanOrEqual(MAX_PRESENCE_BYTES);
  expect(sizeBytes).toBeGreaterThan(MAX_PRESENCE_BYTES - MAX_AWARENESS_STATE_BYTES);
});

test('[BO10] of those who left the newest thousand are remembered, and those for a minute', () => {
  const presence = new Presence();
  for (let n = 1; n <= MAX_TOMBSTONES + 1; n++) {
    const peer = peerOf('ann');
    presence.say(peer, said(n, 50));
    presence.leave(peer);
  }
  presence.say(peerOf('ann'), said(1, 50), said(2, 50));
  // The clock of one that is remembered goes on above the one it left with.
  expect(presence.clocks).toEqual({ 1: 50, 2: 52 });
  presence.nowMs = TOMBSTONE_MS;
  presence.awareness.prune(presence.nowMs);
  presence.say(peerOf('ann'), said(3, 50));
  expect(presence.clocks[3]).toBe(50);
});

test('[AW3] whoever claims an id is asked to say it again above its clock, and once more is news to all', () => {
  const presence = new Presence();
  const ann = peerOf('ann');
  presence.say(ann, said(1, 7));
  expect(presence.asked).toEqual([[ann, 1, 8]]);
  expect(presence.awareness.takeChanges()).toHaveLength(1);
  presence.say(ann, said(1, 9));
  expect(presence.awareness.takeChanges()).toMatchObject([{ client: 1, clock: 9 }]);
  presence.say(ann, said(1, 10));
  expect(presence.awareness.takeChanges()).toEqual([]);
});

test('[AW3] who comes back is told anew of those whose clock stood still, and nobody else is', () => {
  const presence = new Presence();
  const [ann, bob, carol] = [peerOf('ann'), peerOf('bob'), peerOf('carol')];
  presence.say(ann, said(1, 1));
  presence.say(bob, said(2, 1));
  presence.say(carol, said(3, 1));
  expect(presence.asked).toHaveLength(3);
  presence.say(bob, said(2, 3));
  presence.say(carol, said(3, 3));
  presence.leave(ann);
  // Carol moved while ann was away; bob did not.
  presence.say(carol, said(3, 4, '{"n":1}'));
  presence.awareness.takeChanges();
  const again = peerOf('ann');
  presence.say(again, said(1, 1));
  expect(presence.asked).toEqual([
    [again, 1, 4],
    [bob, 2, 4],
  ]);
  presence.awareness.takeChanges();
  presence.say(bob, said(2, 5));
  expect(presence.awareness.takeChanges()).toEqual([]);
  expect(presence.awareness.takeAnswers()).toMatchObject({ to: new Set([again]), states: [{ client: 2, clock: 5 }] });
});

test('[AW1] a new connection of the same person takes its id over once it answers; an echo of another tab does not', () => {
  const presence = new Presence();
  const [old, fresh, tab, stranger] = [peerOf('ann'), peerOf('ann'), peerOf('ann'), peerOf('bob')];
  presence.say(old, said(1, 5));
  presence.say(tab, said(2, 1));
  presence.say(tab, said(1, 5), said(1, 9));
  presence.say(stranger, said(1, 20));
  expect(presence.asked.map(([peer]) => peer)).toEqual([old, tab]);
  presence.say(fresh, said(1, 5));
  expect(presence.asked).toEqual([[fresh, 1, 6]]);
  presence.say(fresh, said(1, 7));
  presence.leave(old);
  expect(presence.clocks).toEqual({ 1: 7, 2: 1 });
  presence.leave(fresh);
  expect(presence.clocks).toEqual({ 2: 1 });
});
