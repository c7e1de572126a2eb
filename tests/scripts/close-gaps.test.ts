import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { closeGaps } from '../../scripts/doctor/close-gaps.ts';
import { hasPending } from '../../sync-server/room/room-document.ts';

/** What writing emits, one update for each step. */
function updatesOf(clientId: number, steps: readonly ((doc: Y.Doc) => void)[], before: readonly Uint8Array[] = []) {
  const doc = new Y.Doc();
  for (const update of before) Y.applyUpdate(doc, update);
  doc.clientID = clientId;
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  for (const step of steps) step(doc);
  return updates;
}

const entry = (n: number) => (doc: Y.Doc) => void doc.getMap('entries').set(`e${n}`, n);
const keysOf = (doc: Y.Doc): string[] => [...doc.getMap('entries').keys()].sort();

test('[LO8] whichever entries are lost, all others are there and nothing is held back', () => {
  const one = updatesOf(
    7,
    Array.from({ length: 8 }, (_, n) => entry(n)),
  );
  const two = updatesOf(
    9,
    Array.from({ length: 8 }, (_, n) => entry(100 + n)),
  );
  const all = [one, two].flat();
  for (let lost = 0; lost < 1 << 8; lost += 5) {
    const kept = all.filter((_, index) => ((lost >> (index % 8)) & 1) === 0);
    const { doc, gaps } = closeGaps(kept);
    expect(hasPending(doc)).toBe(false);
    expect(doc.getMap('entries').size).toBe(kept.length);
    const last =
      one
        .map((_, n) => n)
        .filter((n) => ((lost >> n) & 1) === 0)
        .at(-1) ?? -1;
    const inside = one.filter((_, n) => n < last && ((lost >> n) & 1) === 1).length;
    expect(gaps.filter(({ client }) => client === 7).reduce((sum, { length }) => sum + length, 0)).toBe(inside);
  }
});

test('[LO8] text that was typed after a lost piece keeps its place', () => {
  const typed = updatesOf(
    7,
    [...'hello world'].map((letter, at) => (doc: Y.Doc) => doc.getText('root').insert(at, letter)),
  );
  const { doc, gaps } = closeGaps(typed.filter((_, index) => index !== 4 && index !== 5));
  expect(doc.getText('root').toString()).toBe('hellworld');
  expect(gaps).toEqual([{ client: 7, clock: 4, length: 2 }]);
});

test('[LO8] what others wrote about something lost, or deleted of it, is not held back either', () => {
  const typed = updatesOf(7, [
    (doc) => doc.getText('root').insert(0, 'ab'),
    (doc) => doc.getText('root').insert(2, 'cd'),
  ]);
  const others = updatesOf(
    9,
    [(doc) => doc.getText('root').insert(4, '!'), (doc) => doc.getText('root').delete(2, 1), entry(1)],
    typed,
  );
  const { doc } = closeGaps([typed[0] ?? new Uint8Array(), ...others]);
  expect(hasPending(doc)).toBe(false);
  expect(doc.getText('root').toString()).toBe('ab!');
  expect(keysOf(doc)).toEqual(['e1']);
});

test('[LO8] what cannot be decoded is not put together at all', () => {
  expect(() => closeGaps([new Uint8Array([255, 1, 2])])).toThrow();
});
