import { expect, test } from 'vitest';
import { joinLog, type LogParts } from '../../client/sync/joined-log.ts';
import type { Entry } from '../../sync-server/protocol/entry.ts';
import { fold } from '../../sync-server/protocol/fold.ts';
import { makeUlid, ULID_RANDOM_BYTES } from '../../sync-server/protocol/ids.ts';
import { SEGMENT_ENTRIES } from '../../sync-server/protocol/segment.ts';

const message = (at: number): Entry => ({
  id: makeUlid(at, new Uint8Array(ULID_RANDOM_BYTES)),
  kind: 'message',
  author: 'ben',
  at,
  body: `message ${at}`,
  mentions: [],
});

interface Parts {
  readonly newest: number;
  readonly open?: Record<number, readonly Entry[]>;
  readonly whole?: readonly number[];
  readonly pages?: Record<number, readonly Entry[]>;
  readonly unsettled?: readonly Entry[];
}

const partsOf = ({ newest, open = {}, whole = [], pages = {}, unsettled = [] }: Parts): LogParts => ({
  newest,
  openIn: (segment) => open[segment],
  isWhole: (segment) => whole.includes(segment),
  pageOf: (segment) => pages[segment],
  unsettled,
});

const shown = (parts: Parts) => {
  const { byId, oldest } = joinLog(partsOf(parts));
  return { oldest, times: fold(byId.values()).items.map(({ at }) => at) };
};

test('[CL4] pages and open segments join to the oldest without a hole, each entry once', () => {
  const [a, b, c, d] = [message(1), message(2), message(3), message(4)];
  expect(shown({ newest: 4, open: { 4: [d], 3: [c] }, whole: [3], pages: { 1: [a], 2: [b, c] } })).toEqual({
    oldest: 1,
    times: [1, 2, 3, 4],
  });
  expect(shown({ newest: 4, open: { 4: [d] }, pages: { 1: [a], 3: [c] } })).toEqual({ oldest: 3, times: [3, 4] });
});

test('[CL4] of a segment that is not whole only what is still on its way is shown', () => {
  const [old, mine, live] = [message(1), message(2), message(9)];
  const parts = { newest: 5, open: { 2: [old, mine], 5: [live] }, unsettled: [mine] };
  expect(shown(parts)).toEqual({ oldest: 5, times: [2, 9] });
});

test('ten full pages are joined and folded within a frame that nobody notices', () => {
  const at = (segment: number, index: number) => 1e12 + (segment * SEGMENT_ENTRIES + index) * 1_000;
  const pages = Object.fromEntries(
    Array.from({ length: 10 }, (_, page) => [
      page + 1,
      Array.from({ length: SEGMENT_ENTRIES }, (_unused, index) => message(at(page + 1, index))),
    ]),
  );
  const once = () => {
    const begin = performance.now();
    expect(shown({ newest: 11, open: { 11: [] }, pages }).times).toHaveLength(10 * SEGMENT_ENTRIES);
    return performance.now() - begin;
  };
  // The best of some: this is about the work, not about what else the machine does.
  expect(Math.min(...Array.from({ length: 5 }, once))).toBeLessThan(50);
});
