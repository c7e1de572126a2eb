import { expect, test } from 'vitest';
import type { Line } from '../../client/office/arrange.ts';
import {
  AT_END,
  around,
  down,
  held,
  type LineWindow,
  MAX_WINDOW,
  spanOf,
  up,
  WINDOW,
} from '../../client/office/line-window.ts';

const notice = (key: string): Line => ({
  kind: 'notice',
  key,
  item: {
    kind: 'notice',
    id: key,
    at: 0,
    author: 'office',
    body: '',
    reactions: [],
    isRetracted: false,
    arrivedAt: null,
  },
});
const day: Line = { kind: 'day', key: 'day', at: 0 };
const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, index) => notice(String(from + index)));
const keys = (lines: readonly Line[], window: LineWindow) => {
  const { start, end } = spanOf(lines, window);
  return lines.slice(start, end).map(({ key }) => key);
};

test('a reader at the end sees the newest lines; one who is held keeps theirs, whatever comes above or below', () => {
  const lines = numbered(300);
  const before = keys(lines, AT_END);
  expect(before).toHaveLength(WINDOW);
  expect(before.at(-1)).toBe('299');
  const window = held(lines, AT_END);
  expect(keys(lines, window)).toEqual(before);
  expect(keys([...numbered(500, -500), ...lines, ...numbered(20, 300)], window)).toEqual(before);
});

test('the day above the first line is shown with it, and moves up with what comes above', () => {
  const lines = [day, ...numbered(5)];
  const window = held(lines, AT_END);
  expect(keys(lines, window)[0]).toBe('day');
  expect(keys([day, ...numbered(3, -3), ...numbered(5)], window)).toEqual(['0', '1', '2', '3', '4']);
});

test('[CL6] growing up and down reaches everything, and never holds more than the bound', () => {
  const lines = numbered(2_000);
  let window = held(lines, AT_END);
  for (let step = 0; step < 100; step++) {
    const next = up(lines, window);
    const [first] = keys(lines, window);
    expect(next === window || keys(lines, next).includes(first ?? '')).toBe(true);
    window = next;
    expect(keys(lines, window).length).toBeLessThanOrEqual(MAX_WINDOW);
  }
  expect(keys(lines, window)[0]).toBe('0');
  expect(up(lines, window)).toBe(window);
  for (let step = 0; step < 100; step++) window = down(lines, window);
  expect(keys(lines, window).at(-1)).toBe('1999');
  expect(keys(lines, window)).toHaveLength(MAX_WINDOW);
  expect(down(lines, window)).toBe(window);
});

test('what is looked for is shown with lines around it, and nothing moves where it is there already', () => {
  const lines = numbered(2_000);
  const window = around(lines, AT_END, 500);
  expect(keys(lines, window)).toContain('500');
  expect(keys(lines, window)).toHaveLength(WINDOW);
  expect(around(lines, window, 510)).toBe(window);
});

test('where the first line has gone, the window stays about where it was', () => {
  const lines = numbered(1_000);
  const window = around(lines, AT_END, 500);
  const [first = ''] = keys(lines, window);
  const without = lines.filter(({ key }) => key !== first);
  expect(keys(without, window)).toContain('500');
  expect(keys(without, window).length).toBe(WINDOW);
});
