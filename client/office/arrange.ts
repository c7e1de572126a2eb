/**
 * From what a session holds to the lines of its timeline. A reply, the row it is being written in and the turn that
 * waits for either are one bubble under one key (the turn's id), so that it stays in place from queue to answer.
 */
import type { ReplyEntry, Step } from '../../sync-server/protocol/entry.ts';
import { stepSchema } from '../../sync-server/protocol/entry.ts';
import type { DebateItem, MessageItem, NoticeItem, ReplyItem, TimelineItem } from '../../sync-server/protocol/fold.ts';
import type { LiveRow } from '../../sync-server/protocol/segment.ts';
import { isFinal, type TurnView } from '../../sync-server/protocol/turn.ts';
import { LATE_MS } from '../sync/read-positions.ts';

/** Messages of one author stand together where no more than this lies between them, in ms. */
const GROUP_MS = 5 * 60_000;

/** When an item came that came long after it was written, ms; null where it came in time. */
export const lateSince = ({ at, arrivedAt }: Pick<TimelineItem, 'at' | 'arrivedAt'>): number | null =>
  arrivedAt !== null && arrivedAt - at > LATE_MS ? arrivedAt : null;

/** One agent's work on one cause, in whatever state it is. */
export interface Bubble {
  readonly key: string;
  readonly turn: string;
  readonly agent: string;
  readonly cause: string;
  readonly step: Step;
  readonly at: number;
  readonly attempt: number;
  readonly item: ReplyItem | null;
  readonly reply: ReplyEntry | null;
  readonly row: LiveRow | null;
  readonly view: TurnView | null;
}

export type Line =
  | { readonly kind: 'day'; readonly key: string; readonly at: number }
  | { readonly kind: 'unread'; readonly key: string }
  | { readonly kind: 'message'; readonly key: string; readonly item: MessageItem; readonly isGrouped: boolean }
  | { readonly kind: 'debate'; readonly key: string; readonly item: DebateItem }
  | { readonly kind: 'notice'; readonly key: string; readonly item: NoticeItem }
  | {
      readonly kind: 'bubble';
      readonly key: string;
      readonly bubble: Bubble;
      readonly notes: readonly Bubble[];
      readonly isGrouped: boolean;
    }
  /** Notes whose answer is not there yet. */
  | { readonly kind: 'notes'; readonly key: string; readonly notes: readonly Bubble[] };

export interface Arrangement {
  readonly items: readonly TimelineItem[];
  readonly rows: readonly LiveRow[];
  readonly turns: readonly TurnView[];
  /** What this person has read, ms; the line stands before the first foreign message after it. null: no line. */
  readonly readUntil: number | null;
  /** Whether the items begin where the session does. Otherwise what comes first need not be the first that is unread. */
  readonly isFromBeginning: boolean;
  readonly me: string;
  /** A name of the calendar day of a moment, in the reader's time zone. */
  readonly dayOf: (at: number) => string;
}

function replyBubble(item: ReplyItem): Bubble {
  const { reply } = item;
  return {
    key: item.id,
    turn: reply.id,
    agent: reply.author,
    cause: item.cause,
    step: reply.step,
    at: item.at,
    attempt: reply.attempt,
    item,
    reply,
    row: null,
    view: null,
  };
}

/** Rows and turns without a reply yet, in the order in which they will speak. */
function pendingBubbles({ items, rows, turns }: Arrangement): Bubble[] {
  const ended = new Set<string>(
    items.flatMap((item) => (item.kind === 'reply' ? item.versions.map(({ id }) => id) : [])),
  );
  const views = new Map<string, TurnView>(
    turns.filter(({ state }) => !isFinal(state)).map((view) => [view.turn, view]),
  );
  const open = new Map<string, Bubble>();
  for (const row of rows) {
    if (ended.has(row.turn) || row.attempt < (open.get(row.turn)?.attempt ?? 0)) continue;
    const { turn, agent, cause, step, at, attempt } = row;
    const rest = { item: null, reply: null, row, view: views.get(turn) ?? null };
    open.set(turn, { key: turn, turn, agent, cause, step, at, attempt, ...rest });
  }
  for (const view of views.values()) {
    const { turn, cause, attempt } = view;
    if (ended.has(turn) || open.has(turn)) continue;
    const step = stepSchema.catch('answer').parse(view.step);
    const rest = { item: null, reply: null, row: null, view };
    open.set(turn, {
      key: turn,
      turn,
      agent: view.agent_id,
      cause,
      step,
      at: Date.parse(view.queued_at),
      attempt,
      ...rest,
    });
  }
  const stageOf = (bubble: Bubble) => bubble.view?.stage ?? 0;
  /** Who is at work comes first, then the queue in its order. */
  const placeOf = (bubble: Bubble) => (bubble.row === null ? (bubble.view?.place ?? 0) : 0);
  return [...open.values()].sort(
    (a, b) => stageOf(a) - stageOf(b) || placeOf(a) - placeOf(b) || a.at - b.at || (a.agent < b.agent ? -1 : 1),
  );
}

/** Takes the notes out and hangs them on the answer to their cause; without one they stand where their last note stood. */
function withNotes(bubbles: readonly Bubble[]): {
  readonly notesFor: (bubble: Bubble) => readonly Bubble[];
  readonly isHidden: (bubble: Bubble) => boolean;
  readonly orphansAt: (bubble: Bubble) => readonly Bubble[] | null;
} {
  const notes = new Map<string, Bubble[]>();
  const answers = new Map<string, string>();
  for (const bubble of bubbles) {
    if (bubble.step === 'note') notes.set(bubble.cause, [...(notes.get(bubble.cause) ?? []), bubble]);
    else if (bubble.step === 'answer' && !answers.has(bubble.cause)) answers.set(bubble.cause, bubble.key);
  }
  return {
    notesFor: (bubble) => (answers.get(bubble.cause) === bubble.key ? (notes.get(bubble.cause) ?? []) : []),
    isHidden: (bubble) => bubble.step === 'note',
    orphansAt: (bubble) => {
      const own = bubble.step === 'note' && !answers.has(bubble.cause) ? notes.get(bubble.cause) : undefined;
      return own?.at(-1)?.key === bubble.key ? own : null;
    },
  };
}

/** The lines of a timeline, top to bottom. Keys are unique and steady. */
export function arrange(arrangement: Arrangement): readonly Line[] {
  const { items, readUntil, me, dayOf } = arrangement;
  const pending = pendingBubbles(arrangement);
  const told = new Map(items.flatMap((item) => (item.kind === 'reply' ? [[item.id, replyBubble(item)] as const] : [])));
  const { notesFor, isHidden, orphansAt } = withNotes([...told.values(), ...pending]);
  const lines: Line[] = [];
  let day = '';
  let last: { readonly author: string; readonly at: number } | null = null;
  let hasUnreadLine = readUntil === null;
  let isReadAbove = arrangement.isFromBeginning;

  /** @param position when it came to be read, ms: the order of what is unread */
  const open = (at: number, author: string, position = at): boolean => {
    if (dayOf(at) !== day) {
      day = dayOf(at);
      lines.push({ kind: 'day', key: `day ${day}`, at });
      last = null;
    }
    const isUnread = readUntil !== null && position > readUntil;
    if (!hasUnreadLine && isReadAbove && isUnread && author !== me) {
      hasUnreadLine = true;
      lines.push({ kind: 'unread', key: 'unread' });
      last = null;
    }
    isReadAbove ||= !isUnread;
    const isGrouped = last?.author === author && at - last.at <= GROUP_MS;
    last = { author, at };
    return isGrouped;
  };
  const addBubble = (bubble: Bubble) => {
    const orphans = orphansAt(bubble);
    if (orphans) {
      open(bubble.at, 'notes');
      lines.push({ kind: 'notes', key: `notes ${bubble.cause}`, notes: orphans });
    } else if (!isHidden(bubble)) {
      const notes = notesFor(bubble);
      const position = bubble.item?.arrivedAt ?? bubble.at;
      const isGrouped = open(bubble.at, bubble.agent, position) && notes.length === 0 && bubble.step === 'answer';
      lines.push({ kind: 'bubble', key: bubble.key, bubble, notes, isGrouped });
    }
  };

  for (const item of items) {
    const bubble = told.get(item.id);
    if (bubble) addBubble(bubble);
    else if (item.kind === 'message') {
      const isFollowUp = open(item.at, item.author, item.arrivedAt ?? item.at);
      const isGrouped = isFollowUp && item.replyTo === null && lateSince(item) === null;
      lines.push({ kind: 'message', key: item.id, item, isGrouped });
    } else if (item.kind === 'debate') {
      open(item.at, '');
      lines.push({ kind: 'debate', key: item.id, item });
    } else if (item.kind === 'notice') {
      open(item.at, '');
      lines.push({ kind: 'notice', key: item.id, item });
    }
  }
  for (const bubble of pending) addBubble(bubble);
  return lines;
}
