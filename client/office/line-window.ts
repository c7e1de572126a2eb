/**
 * Which of a timeline's lines are on the page: so few, however long the conversation is, that the next key is quick.
 *
 *     end    the newest lines, for a reader at the bottom
 *     part   lines from an anchor on, for a reader anywhere else: what comes above or below moves nothing
 */
import type { Line } from './arrange.ts';

/** Lines on the page at first. */
export const WINDOW = 120;
/** How many more a reader gets near an edge. */
const STEP = 60;
/** Lines on the page at most: beyond that, those furthest from the reader go. */
export const MAX_WINDOW = 420;

export type LineWindow =
  | { readonly kind: 'end'; readonly size: number }
  | {
      readonly kind: 'part';
      /** The key of the first line that says something. */
      readonly anchor: string;
      readonly size: number;
      /** Lines from the anchor to the end when it was last seen, for when its line has gone. */
      readonly fromEnd: number;
    };

export interface Span {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

type Lines = readonly Line[];

/** Lines that only head others, and move up when earlier ones come. */
const isHead = (line: Line | undefined): boolean => line?.kind === 'day' || line?.kind === 'unread';

export const AT_END: LineWindow = { kind: 'end', size: WINDOW };

/** The indices of a window's lines. */
export function spanOf(lines: Lines, window: LineWindow): Span {
  if (window.kind === 'end') return { start: Math.max(0, lines.length - window.size), end: lines.length };
  const found = lines.findIndex(({ key }) => key === window.anchor);
  const anchor = found === -1 ? Math.max(0, lines.length - window.fromEnd) : found;
  let start = anchor;
  while (start > 0 && isHead(lines[start - 1])) start--;
  return { start, end: Math.min(lines.length, anchor + window.size) };
}

/** The window that shows these lines. */
function windowOf(lines: Lines, { start, end }: Span): LineWindow {
  let anchor = start;
  while (anchor < end - 1 && isHead(lines[anchor])) anchor++;
  const line = lines[anchor];
  if (line === undefined) return AT_END;
  return { kind: 'part', anchor: line.key, size: end - anchor, fromEnd: lines.length - anchor };
}

/** The same lines, which stay whatever comes after them. */
export const held = (lines: Lines, window: LineWindow): LineWindow =>
  window.kind === 'part' ? window : windowOf(lines, spanOf(lines, window));

/** More lines above. Answers the same window where there are none. */
export function up(lines: Lines, window: LineWindow): LineWindow {
  const { start, end } = spanOf(lines, window);
  if (start === 0) return window;
  if (window.kind === 'end') return { kind: 'end', size: window.size + STEP };
  const from = Math.max(0, start - STEP);
  return windowOf(lines, { start: from, end: Math.min(end, from + MAX_WINDOW) });
}

/** More lines below. Answers the same window where there are none. */
export function down(lines: Lines, window: LineWindow): LineWindow {
  const { start, end } = spanOf(lines, window);
  if (end === lines.length) return window;
  const to = Math.min(lines.length, end + STEP);
  return windowOf(lines, { start: Math.max(start, to - MAX_WINDOW), end: to });
}

/** Lines around one, in the present window if it is there. */
export function around(lines: Lines, window: LineWindow, index: number): LineWindow {
  const { start, end } = spanOf(lines, window);
  if (index >= start && index < end) return held(lines, window);
  const from = Math.max(0, index - WINDOW / 2);
  return windowOf(lines, { start: from, end: Math.min(lines.length, from + WINDOW) });
}
