import type { Measures } from '../../sync-server/protocol/entry.ts';
import type { NackCode } from '../../sync-server/protocol/frames.ts';
import type { TurnView } from '../../sync-server/protocol/turn.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';

const ordinals = new Intl.PluralRules('en', { type: 'ordinal' });
const SUFFIX: Readonly<Record<string, string>> = { one: 'st', two: 'nd', few: 'rd', other: 'th' };

export const ordinal = (value: number): string => `${value}${SUFFIX[ordinals.select(value)] ?? 'th'}`;

/** `11.4 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 20 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** What an agent is doing before its words come. */
export function phaseOf(view: Pick<TurnView, 'state' | 'place' | 'waiting_for' | 'model'>): string {
  switch (view.state) {
    case 'queued': {
      const place = view.place === null ? 'Queued' : `Queued ${ordinal(view.place)}`;
      return view.waiting_for === null ? place : `${place}, ${view.waiting_for}`;
    }
    case 'loading':
      return view.model === null ? 'Loading model' : `Loading ${view.model}`;
    case 'reading':
      return 'Reading';
    case 'writing':
      return 'Writing';
    case 'done':
      return 'Done';
    case 'stopped':
      return 'Stopped';
    case 'failed':
      return 'Failed';
    default:
      return unreachable(view.state);
  }
}

/** `312 tokens, 28 tok/s, 11.4 s`. */
export function measured(measures: Measures): string {
  const perSecond = measures.outputMs > 0 ? (measures.outputTokens / measures.outputMs) * 1000 : 0;
  const speed = perSecond > 0 ? [`${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} tok/s`] : [];
  const tokens = measures.outputTokens === 1 ? '1 token' : `${measures.outputTokens} tokens`;
  return [tokens, ...speed, duration(measures.totalMs)].join(', ');
}

/** Why the office did not take a message. */
export function refusal(code: NackCode): string {
  switch (code) {
    case 'permission':
      return 'you may not write here';
    case 'clock':
      return "this device's clock is ahead";
    case 'size':
      return 'it is too long';
    case 'shape':
      return 'the office did not understand it; reload this page';
    case 'sealed':
      return 'this part of the chat has ended';
    case 'duplicate':
      return 'the office already has another message under its number';
    default:
      return unreachable(code);
  }
}

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const dayYearFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const shortFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

export const clockTime = (at: number): string => clockFormat.format(at);
export const dayKey = (at: number): string => new Date(at).toDateString();

const DAY_MS = 86_400_000;

/** `Today`, `Yesterday`, `Monday, 3 March`, `3 March 2024`. */
export function dayName(at: number, nowMs: number): string {
  if (dayKey(at) === dayKey(nowMs)) return 'Today';
  if (dayKey(at) === dayKey(nowMs - DAY_MS)) return 'Yesterday';
  return nowMs - at < 300 * DAY_MS ? dayFormat.format(at) : dayYearFormat.format(at);
}

/** The time of something in a list: a clock time today, else a date. */
export const listTime = (at: number, nowMs: number): string =>
  dayKey(at) === dayKey(nowMs)
    ? clockTime(at)
    : dayKey(at) === dayKey(nowMs - DAY_MS)
      ? 'Yesterday'
      : shortFormat.format(at);

/** `Ada`, `Ada and Ben`, `Ada, Ben and 2 others`. */
export function listNames(names: readonly string[]): string {
  if (names.length <= 2) return names.join(' and ');
  const others = names.length - 2;
  return `${names.slice(0, 2).join(', ')} and ${others === 1 ? '1 other' : `${others} others`}`;
}
