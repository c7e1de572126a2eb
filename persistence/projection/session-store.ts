import { MAX_LIMIT } from '../../sync-server/protocol/api.ts';
import { briefName, segmentName } from '../../sync-server/protocol/document-name.ts';
import { type Entry, readEntry } from '../../sync-server/protocol/entry.ts';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import type { Person } from '../../sync-server/protocol/principal.ts';
import { type Category, categoryOf, type ScopeType, scopeFilterOf } from '../../sync-server/protocol/scope.ts';
import type { WireMessage, WireSession } from '../../sync-server/protocol/wire.ts';
import type { Database } from '../database.ts';
import type { People } from './author-names.ts';
import { type MessagePage, MessageReader, type SearchHit } from './message-reader.ts';
import { IS_SAID } from './message-rows.ts';
import { matchExpression, titleKey } from './search-text.ts';
import { type SegmentPage, SegmentReader } from './segment-reader.ts';
import { type SessionExport, sessionAsJson, sessionAsMarkdown } from './session-export.ts';
import type { SessionRecord } from './session-record.ts';
import { type NewSession, READABLE, type SessionRow, SessionRows } from './session-rows.ts';

/** Which sessions to list. A category and a scope narrow it together. */
export interface SessionFilter {
  readonly category?: Category | undefined;
  readonly scopeType?: ScopeType | undefined;
  readonly scopeId?: string | undefined;
  /** To be found in the title (anywhere) or in a message (as the beginnings of words). */
  readonly q?: string | undefined;
  /** Those in the bin instead of the others. */
  readonly binned?: boolean | undefined;
  /** 1 to `MAX_LIMIT`. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface SessionPage {
  readonly sessions: WireSession[];
  readonly next_cursor: string | null;
}

/** The sessions of the office: made here, read here; what changes in them comes from the projection. */
export class SessionStore {
  readonly #rows: SessionRows;
  readonly #messages: MessageReader;
  readonly #segments: SegmentReader;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(database: Database, people: People) {
    this.#rows = new SessionRows(database);
    this.#messages = new MessageReader(database, people);
    this.#segments = new SegmentReader(database);
    this.#sql = prepare(database);
  }

  /**
   * Makes a session's row. May be repeated: `same` where a session of that id, scope, owner and privacy is there (title
   * and members stay as they are), `conflict` where the id is another session's.
   */
  create(session: NewSession): 'created' | 'same' | 'conflict' {
    if (this.#rows.insert(session)) return 'created';
    const row = this.#rows.row(session.id);
    const isSame =
      row?.owner === session.owner &&
      row.scope_type === session.scope.type &&
      row.scope_id === session.scope.id &&
      row.is_private === Number(session.isPrivate);
    return isSame ? 'same' : 'conflict';
  }

  get(id: string): SessionRecord | null {
    return this.#rows.record(id);
  }

  /** @param reader the person whose row it is: what they wrote themselves is no news to them */
  wire(id: string, reader: string): WireSession | null {
    const row = this.#sql.row.get({ id, person: reader });
    return row ? this.#wire(row) : null;
  }

  /**
   * Sessions that the person may read, newest activity first. The cursor names a place in that order: while paging, a
   * session with new activity moves to the top and is not shown twice; all others are shown once.
   * Throws `bad_request` for a cursor that is not one.
   */
  list(person: Person, filter: SessionFilter): SessionPage {
    const limit = bounded(filter.limit);
    const category = filter.category ? scopeFilterOf(filter.category) : null;
    const shared = {
      person: person.id,
      ...(filter.cursor === undefined ? NEWEST : parseCursor(filter.cursor)),
      binned: Number(filter.binned ?? false),
      categoryType: category?.type ?? null,
      categoryId: category?.id ?? null,
      scopeType: filter.scopeType ?? null,
      scopeId: filter.scopeId ?? null,
      limit: limit + 1,
    };
    const q = filter.q?.trim();
    const rows = q
      ? this.#sql.find.all({ ...shared, title: titleKey(q), match: matchExpression(q) ?? NOTHING })
      : this.#sql.list.all(shared);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return {
      sessions: shown.map((row) => this.#wire(row)),
      next_cursor: rows.length > limit && last ? `${last.updated_at}.${last.id}` : null,
    };
  }

  /** Messages in order; `before` (a message's id, exclusive) and `next_cursor` page back. Throws `bad_request` for a foreign `before`. */
  messages(sessionId: string, page: { readonly before?: string | undefined; readonly limit: number }): MessagePage {
    return this.#messages.page(sessionId, { before: page.before, limit: bounded(page.limit) });
  }

  /** One message, also a version that is no longer shown. */
  message(sessionId: string, messageId: string): WireMessage | null {
    return this.#messages.message(sessionId, messageId);
  }

  /** The newest entries of a session, in its order. */
  entries(sessionId: string, { newest }: { readonly newest: number }): Entry[] {
    const rows = this.#sql.newestEntries.all({ session: sessionId, limit: newest });
    return rows.reverse().flatMap((row) => parseEntry(row) ?? []);
  }

  entry(sessionId: string, entryId: string): Entry | null {
    const row = this.#sql.entry.get({ session: sessionId, id: entryId });
    return row ? parseEntry(row) : null;
  }

  /** The segment that an entry stands in; null where it is not projected. */
  segmentOf(sessionId: string, entryId: string): number | null {
    return this.#sql.segmentOf.get({ session: sessionId, id: entryId })?.segment ?? null;
  }

  /** The newest `at` of any entry of a session, in ms; 0 where there is none. */
  newestAt(sessionId: string): number {
    return this.#sql.newestAt.get({ session: sessionId })?.at ?? 0;
  }

  /** The number of a session's live segment; null where there is no such session. */
  liveSegment(sessionId: string): number | null {
    return this.#sql.liveSegment.get({ session: sessionId })?.live ?? null;
  }

  /** A segment as a page of history; null where there is none of that number (yet). */
  segmentPage(sessionId: string, segment: number): SegmentPage | null {
    const live = this.liveSegment(sessionId);
    return live === null || segment < 1 || segment > live ? null : this.#segments.page(sessionId, segment);
  }

  hasEntry(sessionId: string, entryId: string): boolean {
    return this.#sql.hasEntry.get({ session: sessionId, id: entryId }) !== undefined;
  }

  /** Messages that hold every word typed, or its continuation, best first; only what the person may read. Takes any input. */
  search(
    person: Person,
    query: {
      readonly q: string;
      readonly scopeType?: ScopeType | undefined;
      readonly scopeId?: string | undefined;
      readonly limit: number;
    },
  ): SearchHit[] {
    const scope = {
      ...(query.scopeType !== undefined && { type: query.scopeType }),
      ...(query.scopeId !== undefined && { id: query.scopeId }),
    };
    return this.#messages.search(person, query.q, scope, bounded(query.limit));
  }

  /** The whole session as its members see it: retracted texts and older versions of replies are not in it. Null where there is none. */
  exportSession(id: string, format: 'json' | 'md', reader: string): SessionExport | null {
    const session = this.wire(id, reader);
    if (!session) return null;
    const messages: WireMessage[] = [];
    let before: string | undefined;
    do {
      const page = this.#messages.page(id, { before, limit: MAX_LIMIT });
      messages.unshift(...page.messages);
      before = page.next_cursor ?? undefined;
    } while (before !== undefined);
    return format === 'json' ? sessionAsJson(session, messages) : sessionAsMarkdown(session, messages);
  }

  #wire(row: RowForReader): WireSession {
    const scope = { type: row.scope_type, id: row.scope_id };
    return {
      session_id: row.id,
      title: row.title,
      scope_type: row.scope_type,
      scope_id: row.scope_id,
      category: categoryOf(scope),
      owner_id: row.owner,
      is_private: row.is_private === 1,
      created_at: new Date(row.created_at).toISOString(),
      updated_at: new Date(row.updated_at).toISOString(),
      message_count: row.message_count,
      last_message: row.last_message_id === null ? null : this.#messages.message(row.id, row.last_message_id),
      late_at: row.late_at === null ? null : new Date(row.late_at).toISOString(),
      is_active: row.binned_at === null,
      documents: { live: segmentName(row.id, row.live_segment), brief: briefName(row.id) },
    };
  }
}

interface Place {
  readonly at: number;
  readonly id: string;
}

/** Above every session. */
const NEWEST: Place = { at: Number.MAX_SAFE_INTEGER, id: '' };
/** A full-text query that finds nothing. */
const NOTHING = '""';
const CURSOR = /^(\d{1,15})\.([0-9A-Z]{26})$/;

function parseCursor(cursor: string): Place {
  const [, at, id] = CURSOR.exec(cursor) ?? [];
  if (at === undefined || id === undefined)
    throw new OfficeError('bad_request', 'That cursor is not one of this list.');
  return { at: Number(at), id };
}

const bounded = (limit: number): number => Math.min(Math.max(1, Math.floor(limit)), MAX_LIMIT);

const parseEntry = (row: { readonly value: string }): Entry | null => readEntry(JSON.parse(row.value));

/** A session's row with when somebody else's words last came late, in ms. */
interface RowForReader extends SessionRow {
  readonly late_at: number | null;
}

interface ListParams {
  readonly person: string;
  readonly at: number;
  readonly id: string;
  readonly binned: number;
  readonly categoryType: string | null;
  readonly categoryId: string | null;
  readonly scopeType: string | null;
  readonly scopeId: string | null;
  readonly limit: number;
}

/** So many times of late arrivals are looked through for one that brought somebody else's words, the newest first. */
const MAX_ARRIVALS = 20;

/**
 * A `chat_sessions s` as @person reads it. When it was that something came late is not stored, since it differs from
 * reader to reader. CROSS JOIN: SQLite looks up each entry named, instead of reading the session's messages.
 */
const SELECT_SESSION = `
  SELECT s.*, (
    SELECT max(a.at) FROM (
      SELECT at, value FROM chat_entries WHERE session_id = s.id AND kind = 'arrived' ORDER BY at DESC LIMIT ${MAX_ARRIVALS}
    ) a WHERE EXISTS (
      SELECT 1 FROM json_each(a.value, '$.ids') late
      CROSS JOIN chat_messages m ON m.session_id = s.id AND m.message_id = late.value
      WHERE m.author_id <> @person AND ${IS_SAID})
  ) AS late_at
  FROM chat_sessions s`;
const LISTED = `${SELECT_SESSION}
  WHERE (s.updated_at, s.id) < (@at, @id) AND (s.binned_at IS NOT NULL) = @binned AND ${READABLE}
    AND (@categoryType IS NULL OR s.scope_type = @categoryType) AND (@categoryId IS NULL OR s.scope_id = @categoryId)
    AND (@scopeType IS NULL OR s.scope_type = @scopeType) AND (@scopeId IS NULL OR s.scope_id = @scopeId)`;
const NEWEST_FIRST = 'ORDER BY s.updated_at DESC, s.id DESC LIMIT @limit';

function prepare(database: Database) {
  return {
    row: database.prepare<{ readonly id: string; readonly person: string }, RowForReader>(
      `${SELECT_SESSION} WHERE s.id = @id`,
    ),
    list: database.prepare<ListParams, RowForReader>(`${LISTED} ${NEWEST_FIRST}`),
    find: database.prepare<ListParams & { readonly title: string; readonly match: string }, RowForReader>(
      `${LISTED} AND (instr(s.title_key, @title) > 0 OR s.id IN (
         SELECT m.session_id FROM message_search JOIN chat_messages m ON m.number = message_search.rowid
         WHERE message_search MATCH @match AND m.is_shown = 1)) ${NEWEST_FIRST}`,
    ),
    newestEntries: database.prepare<{ readonly session: string; readonly limit: number }, { readonly value: string }>(
      `SELECT value FROM chat_entries WHERE session_id = @session ORDER BY at DESC, entry_id DESC LIMIT @limit`,
    ),
    entry: database.prepare<{ readonly session: string; readonly id: string }, { readonly value: string }>(
      'SELECT value FROM chat_entries WHERE session_id = @session AND entry_id = @id',
    ),
    segmentOf: database.prepare<{ readonly session: string; readonly id: string }, { readonly segment: number }>(
      'SELECT segment FROM chat_entries WHERE session_id = @session AND entry_id = @id',
    ),
    newestAt: database.prepare<{ readonly session: string }, { readonly at: number }>(
      'SELECT at FROM chat_entries WHERE session_id = @session ORDER BY at DESC LIMIT 1',
    ),
    liveSegment: database.prepare<{ readonly session: string }, { readonly live: number }>(
      'SELECT live_segment AS live FROM chat_sessions WHERE id = @session',
    ),
    hasEntry: database.prepare<{ readonly session: string; readonly id: string }, { readonly found: 1 }>(
      'SELECT 1 AS found FROM chat_entries WHERE session_id = @session AND entry_id = @id',
    ),
  };
}
