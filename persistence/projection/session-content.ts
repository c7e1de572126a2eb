/**
 * A session's content in one form, made in two ways that share no code: from the log's entries by the protocol's fold,
 * and from the rows that people are shown. Equal hashes mean that the projection says what the log says.
 */
import { createHash } from 'node:crypto';
import { type Entry, readEntry } from '../../sync-server/protocol/entry.ts';
import { fold } from '../../sync-server/protocol/fold.ts';
import type { Database } from '../database.ts';
import { isActivity } from './projection.ts';
import { searchableText } from './search-text.ts';

export interface SegmentEntry {
  readonly entry: Entry;
  readonly segment: number;
}

/** Values in a canonical form: equal texts mean equal values. */
export interface SessionContent {
  readonly session: Readonly<Record<string, string>>;
  /** By entry id. */
  readonly entries: ReadonlyMap<string, string>;
  /** By message id: where it stands, what it shows, and what a search finds of it. */
  readonly messages: ReadonlyMap<string, string>;
}

interface PrimaryRow {
  readonly title: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly binned_at: number | null;
  readonly message_count: number;
  readonly last_message_id: string | null;
  readonly live_segment: number;
}

/** What the log says; null where the database has no such session. `created_at` and the first title are primary. */
export function contentOfLog(
  database: Database,
  sessionId: string,
  logged: ReadonlyMap<string, SegmentEntry>,
): SessionContent | null {
  const row = rowOf(database, sessionId);
  if (!row) return null;
  const entries = [...logged.values()].map(({ entry }) => entry);
  const timeline = fold(entries);
  const retracted = new Set<string>(entries.flatMap((entry) => (entry.kind === 'retract' ? [entry.target] : [])));
  const messages = new Map<string, string>();
  let count = 0;
  let last: string | null = null;
  for (const item of timeline.items) {
    const [positionAt, positionId] = [item.at, item.id];
    for (const version of item.kind === 'reply' ? item.versions : [null]) {
      const id = version?.id ?? item.id;
      const entry = logged.get(id)?.entry;
      if (!entry) continue;
      const isRetracted = retracted.has(id);
      const text = version ? version.body : item.kind === 'debate' ? item.topic : 'body' in item ? item.body : '';
      const content = isRetracted ? '' : text;
      const isShown = item.kind !== 'reply' || item.reply.id === id;
      messages.set(
        id,
        canonical({
          kind: entry.kind,
          author: entry.author,
          content,
          search: content.trim() === '' ? null : searchableText(content),
          at: entry.at,
          editedAt: item.kind === 'message' ? item.editedAt : null,
          isRetracted,
          isShown,
          positionAt,
          positionId,
          step: version?.step ?? null,
          outcome: version?.outcome ?? null,
          cause: version?.cause ?? null,
        }),
      );
      if (!isShown || isRetracted) continue;
      count++;
      const isSpoken = item.kind === 'message' || item.kind === 'debate' || isAnswer(version?.step);
      if (isSpoken && content !== '') last = id;
    }
  }
  const activity = entries.filter(isActivity).map(({ at }) => at);
  return {
    session: textsOf({
      title: timeline.title ?? row.title,
      isBinned: timeline.isBinned,
      messageCount: count,
      lastMessage: last,
      updatedAt: activity.reduce((newest, at) => Math.max(newest, at), row.created_at),
      liveSegment: [...logged.values()].reduce(
        (newest, { entry, segment }) => Math.max(newest, entry.kind === 'sealed' ? entry.next : segment),
        row.live_segment,
      ),
    }),
    entries: new Map([...logged].map(([id, { entry, segment }]) => [id, entryText(entry, segment)])),
    messages,
  };
}

interface EntryRow {
  readonly id: string;
  readonly segment: number;
  readonly kind: string;
  readonly author: string;
  readonly at: number;
  readonly value: string;
}

interface MessageRow {
  readonly id: string;
  readonly kind: string;
  readonly author: string;
  readonly content: string;
  readonly search: string | null;
  readonly at: number;
  readonly editedAt: number | null;
  readonly deleted: number;
  readonly is_shown: number;
  readonly positionAt: number;
  readonly positionId: string;
  readonly step: string | null;
  readonly outcome: string | null;
  readonly cause: string | null;
}

/** The entries of a session as the database has them, by id; those that it cannot be read from are left out. */
export function projectedEntries(database: Database, sessionId: string): ReadonlyMap<string, SegmentEntry> {
  const rows = database
    .prepare<[string], { id: string; segment: number; value: string }>(
      'SELECT entry_id AS id, segment, value FROM chat_entries WHERE session_id = ?',
    )
    .all(sessionId);
  const entries = new Map<string, SegmentEntry>();
  for (const { id, segment, value } of rows) {
    const entry = readEntry(parsed(value));
    if (entry) entries.set(id, { entry, segment });
  }
  return entries;
}

/** The entries of one segment as the database has them, by id, in the form of `segmentContent`. */
export function projectedSegment(database: Database, sessionId: string, segment: number): ReadonlyMap<string, string> {
  const rows = database
    .prepare<[string, number], { id: string; value: string }>(
      'SELECT entry_id AS id, value FROM chat_entries WHERE session_id = ? AND segment = ?',
    )
    .all(sessionId, segment);
  return new Map(rows.map(({ id, value }) => [id, canonical(readEntry(parsed(value)))]));
}

/** Entries by id in their canonical form: what every replica of a segment, the log and the database must agree on. */
export const segmentContent = (entries: readonly Entry[]): ReadonlyMap<string, string> =>
  new Map(entries.map((entry) => [entry.id, canonical(entry)]));

/** The hash of a segment's content: the same whatever the order, and whoever computes it. */
export function segmentHash(content: ReadonlyMap<string, string>): string {
  return createHash('sha256').update(sortedJson(content)).digest('hex');
}

/** The first entry in which two segments differ, as the end of a sentence; null where they are the same. */
export function segmentDifference(log: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string | null {
  for (const [id, text] of log) {
    const there = other.get(id);
    if (there === undefined) return `entry ${id} is missing`;
    if (there !== text) return `entry ${id} is not what was written`;
  }
  for (const id of other.keys()) if (!log.has(id)) return `entry ${id} is not in the log`;
  return null;
}

/** What the database says; null where it has no such session. */
export function contentOfProjection(database: Database, sessionId: string): SessionContent | null {
  const row = rowOf(database, sessionId);
  if (!row) return null;
  const entries = database
    .prepare<[string], EntryRow>(
      'SELECT entry_id AS id, segment, kind, author, at, value FROM chat_entries WHERE session_id = ?',
    )
    .all(sessionId);
  const messages = database
    .prepare<[string], MessageRow>(
      `SELECT m.message_id AS id, m.kind, m.author_id AS author, m.content, t.content AS search, m.created_at AS at,
         m.edited_at AS editedAt, m.deleted, m.is_shown, m.position_at AS positionAt, m.position_id AS positionId,
         m.step, m.outcome, m.cause
       FROM chat_messages m LEFT JOIN message_search t ON t.rowid = m.number WHERE m.session_id = ?`,
    )
    .all(sessionId);
  return {
    session: textsOf({
      title: row.title,
      isBinned: row.binned_at !== null,
      messageCount: row.message_count,
      lastMessage: row.last_message_id,
      updatedAt: row.updated_at,
      liveSegment: row.live_segment,
    }),
    entries: new Map(entries.map((entry) => [entry.id, entryRowText(entry)])),
    messages: new Map(
      messages.map(({ id, deleted, is_shown, ...rest }) => [
        id,
        canonical({ ...rest, isRetracted: deleted === 1, isShown: is_shown === 1 }),
      ]),
    ),
  };
}

export function contentHash({ session, entries, messages }: SessionContent): string {
  const hash = createHash('sha256');
  for (const pairs of [Object.entries(session), entries, messages]) hash.update(sortedJson(pairs));
  return hash.digest('hex');
}

const sortedJson = (pairs: Iterable<readonly [string, string]>): string =>
  JSON.stringify([...pairs].sort(([a], [b]) => (a < b ? -1 : 1)));

/** The first thing in which two contents differ, as words. */
export function differenceOf(log: SessionContent, projection: SessionContent): string {
  for (const what of ['entries', 'messages'] as const) {
    const one = what === 'entries' ? 'entry' : 'message';
    for (const [id, text] of log[what]) {
      const there = projection[what].get(id);
      if (there === undefined) return `${one} ${id} is missing`;
      if (there !== text) return `${one} ${id} is not what was written`;
    }
    for (const id of projection[what].keys()) if (!log[what].has(id)) return `${one} ${id} is not in the log`;
  }
  const field = Object.keys(log.session).find((name) => log.session[name] !== projection.session[name]);
  return `its ${field} is ${field && projection.session[field]}, by the log ${field && log.session[field]}`;
}

const isAnswer = (step: string | undefined): boolean => step === 'answer' || step === 'synthesis';

const rowOf = (database: Database, sessionId: string): PrimaryRow | undefined =>
  database.prepare<[string], PrimaryRow>('SELECT * FROM chat_sessions WHERE id = ?').get(sessionId);

function entryText(entry: Entry, segment: number): string {
  const { kind, author, at } = entry;
  return canonical({ kind, author, at, segment, entry });
}

function entryRowText({ kind, author, at, segment, value }: EntryRow): string {
  return canonical({ kind, author, at, segment, entry: readEntry(parsed(value)) });
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    // Altered beyond reading: then it differs from any entry, which is what is asked here.
    return null;
  }
}

const textsOf = (fields: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, canonical(value)]));

/** JSON with the names of every object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
