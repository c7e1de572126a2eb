/**
 * The one fold from entries to a timeline. Pure and order-independent: any set of entries gives one result, so the
 * browser, the server's projection and the agents' prompts can't disagree about what a session says.
 */
import { compareEntries, type Entry, type Mention, type PersonEntry, type ReplyEntry } from './entry.ts';
import { unreachable } from './unreachable.ts';

type MessageEntry = Extract<PersonEntry, { kind: 'message' }>;
type DebateEntry = Extract<PersonEntry, { kind: 'debate' }>;

export interface Reaction {
  readonly emoji: string;
  /** Author ids, in the order in which they reacted. */
  readonly by: readonly string[];
}

interface Item {
  readonly id: string;
  readonly at: number;
  readonly author: string;
  /** When the office got it, where that was long after it was written; null where it came in time. In ms. */
  readonly arrivedAt: number | null;
  readonly reactions: readonly Reaction[];
  readonly isRetracted: boolean;
}

export interface MessageItem extends Item {
  readonly kind: 'message';
  /** Empty once retracted. */
  readonly body: string;
  readonly mentions: readonly Mention[];
  readonly replyTo: string | null;
  /** When it was last edited, in ms; null if never. */
  readonly editedAt: number | null;
}

export interface ReplyItem extends Item {
  readonly kind: 'reply';
  /** The reply shown: the newest version. */
  readonly reply: ReplyEntry;
  /** Every version, oldest first; one element where nobody asked again. */
  readonly versions: readonly ReplyEntry[];
  /** The message (or debate) that the first version answers: asking again doesn't change it. */
  readonly cause: string;
}

export interface DebateItem extends Item {
  readonly kind: 'debate';
  readonly topic: string;
  readonly preset: DebateEntry['preset'];
  readonly seats: readonly string[];
}

export interface NoticeItem extends Item {
  readonly kind: 'notice';
  readonly body: string;
}

export type TimelineItem = MessageItem | ReplyItem | DebateItem | NoticeItem;

export interface Timeline {
  readonly title: string | null;
  readonly isBinned: boolean;
  /** In the order of the session. A reply with several versions stands where its first version stood. */
  readonly items: readonly TimelineItem[];
  /** The newest `at` of any entry, in ms; 0 where there is none. */
  readonly newestAt: number;
}

interface Changes {
  readonly edits: Map<string, Extract<PersonEntry, { kind: 'edit' }>>;
  readonly retracted: Set<string>;
  /** target -> emoji -> authors, insertion-ordered */
  readonly reactions: Map<string, Map<string, Set<string>>>;
  /** again entry id -> the reply it asks another version of */
  readonly again: Map<string, string>;
  /** entry id -> when it arrived; the first word counts */
  readonly arrived: Map<string, number>;
}

/** Folds entries, in any order, into a timeline. */
export function fold(entries: Iterable<Entry>): Timeline {
  const ordered = [...entries].sort(compareEntries);
  const byId = new Map(ordered.map((entry) => [entry.id, entry]));
  const changes: Changes = {
    edits: new Map(),
    retracted: new Set(),
    reactions: new Map(),
    again: new Map(),
    arrived: new Map(),
  };
  let title: string | null = null;
  let isBinned = false;
  for (const entry of ordered) {
    if (entry.kind === 'title' || entry.kind === 'created') title = entry.title;
    else if (entry.kind === 'binned') isBinned = true;
    else if (entry.kind === 'restored') isBinned = false;
    else applyChange(entry, byId, changes);
  }
  const items: TimelineItem[] = [];
  const replies = new Map<string, number>();
  for (const entry of ordered) addItem(entry, items, replies, changes);
  return { title, isBinned, items, newestAt: ordered.at(-1)?.at ?? 0 };
}

function applyChange(entry: Entry, byId: ReadonlyMap<string, Entry>, changes: Changes): void {
  switch (entry.kind) {
    case 'edit':
      // The gate refuses foreign edits; a replica ignores one all the same.
      if (byId.get(entry.target)?.author === entry.author) changes.edits.set(entry.target, entry);
      return;
    case 'retract':
      changes.retracted.add(entry.target);
      return;
    case 'again':
      changes.again.set(entry.id, entry.target);
      return;
    case 'react': {
      const emojis = changes.reactions.get(entry.target) ?? new Map<string, Set<string>>();
      changes.reactions.set(entry.target, emojis);
      const authors = emojis.get(entry.emoji) ?? new Set<string>();
      emojis.set(entry.emoji, authors);
      if (entry.on) authors.add(entry.author);
      else authors.delete(entry.author);
      return;
    }
    case 'arrived':
      for (const id of entry.ids) if (!changes.arrived.has(id)) changes.arrived.set(id, entry.at);
      return;
    default:
  }
}

function addItem(entry: Entry, items: TimelineItem[], replies: Map<string, number>, changes: Changes): void {
  const item = (): Item => ({
    id: entry.id,
    at: entry.at,
    author: entry.author,
    arrivedAt: changes.arrived.get(entry.id) ?? null,
    isRetracted: changes.retracted.has(entry.id),
    reactions: reactionsTo(entry.id, changes),
  });
  switch (entry.kind) {
    case 'message':
      items.push(messageItem(entry, item(), changes));
      return;
    case 'debate':
      items.push({ ...item(), kind: 'debate', topic: entry.topic, preset: entry.preset, seats: entry.seats });
      return;
    case 'notice':
      items.push({ ...item(), kind: 'notice', body: entry.body });
      return;
    case 'reply':
      addReply(entry, item(), items, replies, changes);
      return;
    case 'edit':
    case 'retract':
    case 'react':
    case 'again':
    case 'title':
    case 'stop':
    case 'synthesize':
    case 'created':
    case 'binned':
    case 'restored':
    case 'sealed':
    case 'arrived':
      return;
    default:
      unreachable(entry);
  }
}

function messageItem(entry: MessageEntry, item: Item, changes: Changes): MessageItem {
  const edit = changes.edits.get(entry.id);
  const { body, mentions } = edit ?? entry;
  return {
    ...item,
    kind: 'message',
    body: item.isRetracted ? '' : body,
    mentions,
    replyTo: entry.replyTo ?? null,
    editedAt: edit?.at ?? null,
  };
}

function addReply(
  entry: ReplyEntry,
  item: Item,
  items: TimelineItem[],
  replies: Map<string, number>,
  changes: Changes,
): void {
  const target = changes.again.get(entry.cause);
  const index = target === undefined ? undefined : replies.get(target);
  const first = index === undefined ? undefined : items[index];
  if (index !== undefined && first?.kind === 'reply') {
    items[index] = {
      ...first,
      reply: entry,
      versions: [...first.versions, entry],
      isRetracted: item.isRetracted,
    };
    replies.set(entry.id, index);
    return;
  }
  replies.set(entry.id, items.length);
  items.push({ ...item, kind: 'reply', reply: entry, versions: [entry], cause: entry.cause });
}

function reactionsTo(id: string, changes: Changes): readonly Reaction[] {
  const emojis = changes.reactions.get(id);
  if (!emojis) return [];
  return [...emojis].flatMap(([emoji, by]) => (by.size > 0 ? [{ emoji, by: [...by] }] : []));
}
