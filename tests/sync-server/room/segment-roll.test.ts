import { expect, test } from 'vitest';
import { lateAmong } from '../../../sync-server/room/late-arrivals.ts';
import { isToBeSealed, type SegmentState } from '../../../sync-server/room/segment-roll.ts';
import { message } from '../../support/entries.ts';

const limits = { entries: 10, bytes: 1_000, sealedEntries: 40, sealedBytes: 4_000 };
const quiet: SegmentState = {
  entryCount: 9,
  sizeBytes: 999,
  isSealed: false,
  isWrittenIn: false,
  isSuperseded: false,
};

test.each<readonly [string, Partial<SegmentState>, boolean]>([
  ['below both limits', {}, false],
  ['as many entries as it takes', { entryCount: 10 }, true],
  ['as many bytes as it takes', { sizeBytes: 1_000 }, true],
  ['full while an agent writes', { entryCount: 19, sizeBytes: 1_999, isWrittenIn: true }, false],
  ['twice the entries while an agent writes', { entryCount: 20, isWrittenIn: true }, true],
  ['twice the bytes while an agent writes', { sizeBytes: 2_000, isWrittenIn: true }, true],
  ['sealed, however much is in it', { entryCount: 40, sizeBytes: 4_000, isSealed: true }, false],
  ['followed by another one and not sealed', { entryCount: 1, isWrittenIn: true, isSuperseded: true }, true],
  ['followed by another one and sealed', { isSealed: true, isSuperseded: true }, false],
])('[SG1] a segment that is %s: sealed now?', (_name, state, isDue) => {
  expect(isToBeSealed({ ...quiet, ...state }, limits)).toBe(isDue);
});

test('[SG6] late is what comes 30 s after it was written, or after the seal; the office is never late', () => {
  const [old, recent] = [message('ann', 1, { at: 69_999 }), message('ann', 2, { at: 70_000 })];
  const office = { ...message('office', 3, { at: 1 }), author: 'office' };
  expect(lateAmong([old, recent, office], { wasSealed: false, committedAt: 100_000 })).toEqual([old.id]);
  expect(lateAmong([old, recent, office], { wasSealed: true, committedAt: 70_000 })).toEqual([old.id, recent.id]);
});
