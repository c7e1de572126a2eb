import { OfficeError } from '../../sync-server/protocol/errors.ts';
import type { Person } from '../../sync-server/protocol/principal.ts';
import type { Scope, ScopeType } from '../../sync-server/protocol/scope.ts';
import type { WireMessage } from '../../sync-server/protocol/wire.ts';
import type { Database } from '../database.ts';
import { authorName, type People } from './author-names.ts';
import { HIT_END, HIT_START, matchExpression, readableSnippet } from './search-text.ts';
import { READABLE } from './session-rows.ts';

/** A place that a search found. */
export interface SearchHit {
  readonly session_id: string;
  readonly session_title: string;
  readonly scope_type: ScopeType;
  readonly scope_id: string | null;
  readonly message_id: string;
  readonly author_name: string;
  /** The words found stand between U+0002 and U+0003. */
  readonly snippet: string;
  readonly created_at: string;
}

export interface MessagePage {
  /** In the session's order. */
  readonly messages: WireMessage[];
  /** What to give as `before` for the page before this one; null where this is the first. */
  readonly next_cursor: string | null;
}

interface MessageRow {
  readonly message_id: string;
  readonly session_id: string;
  readonly role: WireMessage['role'];
  readonly author_id: string;
  readonly agent_id: string | null;
  readonly content: string;
  readonly model: string | null;
  readonly tokens: number | null;
  readonly response_time_ms: number | null;
  readonly created_at: number;
  readonly edited_at: number | null;
  readonly deleted: 0 | 1;
  readonly step: string | null;
  readonly outcome: WireMessage['outcome'] | null;
  readonly is_rehearsed: 0 | 1 | null;
  readonly first_cause: string | null;
}

interface HitRow {
  readonly session_id: string;
  readonly session_title: string;
  readonly scope_type: ScopeType;
  readonly scope_id: string | null;
  readonly message_id: string;
  readonly author_id: string;
  readonly snippet: string;
  readonly created_at: number;
}

/** Messages as the HTTP edge shows them: what the fold of their session shows, page by page. */
export class MessageReader {
  readonly #people: People;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(database: Database, people: People) {
    this.#people = people;
    this.#sql = prepare(database);
  }

  /** At most `limit` messages that stand before `before` (exclusive), or the newest. Throws `bad_request` for a foreign `before`. */
  page(
    sessionId: string,
    { before, limit }: { readonly before?: string | undefined; readonly limit: number },
  ): MessagePage {
    const place = before === undefined ? END : this.#sql.place.get({ session: sessionId, id: before });
    if (!place) throw new OfficeError('bad_request', 'There is no message of that id in this session.');
    const rows = this.#sql.page.all({ session: sessionId, ...place, limit: limit + 1 });
    const shown = rows.slice(0, limit).reverse();
    const oldest = shown[0];
    return {
      messages: shown.map((row) => this.#wire(row)),
      next_cursor: rows.length > limit && oldest ? oldest.message_id : null,
    };
  }

  /** One message, also a version of a reply that is no longer shown; null where there is none. */
  message(sessionId: string, messageId: string): WireMessage | null {
    const row = this.#sql.message.get({ session: sessionId, id: messageId });
    return row ? this.#wire(row) : null;
  }

  /** Places where what was typed is found, best first, in the sessions that the person may read and that are not in the bin. */
  search(person: Person, typed: string, scope: Partial<Scope>, limit: number): SearchHit[] {
    const match = matchExpression(typed);
    if (match === null) return [];
    const rows = this.#sql.search.all({
      match,
      person: person.id,
      scopeType: scope.type ?? null,
      scopeId: scope.id ?? null,
      limit,
    });
    return rows.map((row) => ({
      session_id: row.session_id,
      session_title: row.session_title,
      scope_type: row.scope_type,
      scope_id: row.scope_id,
      message_id: row.message_id,
      author_name: authorName(row.author_id, this.#people),
      snippet: readableSnippet(row.snippet),
      created_at: new Date(row.created_at).toISOString(),
    }));
  }

  #wire(row: MessageRow): WireMessage {
    return {
      message_id: row.message_id,
      session_id: row.session_id,
      role: row.role,
      author_id: row.author_id,
      author_name: authorName(row.author_id, this.#people),
      content: row.content,
      created_at: new Date(row.created_at).toISOString(),
      ...(row.agent_id !== null && { agent_id: row.agent_id }),
      ...(row.model !== null && { model: row.model }),
      ...(row.tokens !== null && { tokens: row.tokens }),
      ...(row.response_time_ms !== null && { response_time_ms: row.response_time_ms }),
      ...(row.edited_at !== null && { edited_at: new Date(row.edited_at).toISOString() }),
      ...(row.deleted === 1 && { deleted: true }),
      ...(row.step !== null && { step: row.step }),
      ...(row.outcome !== null && { outcome: row.outcome }),
      ...(row.is_rehearsed !== null && { is_rehearsed: row.is_rehearsed === 1 }),
      ...(row.first_cause !== null && { cause: row.first_cause }),
    };
  }
}

interface Place {
  readonly at: number;
  readonly id: string;
}

/** After every message. */
const END: Place = { at: Number.MAX_SAFE_INTEGER, id: '' };

/** `first_cause`: asking for another version does not change what a reply answers. */
const SELECT_MESSAGE = `
  SELECT m.*, first.cause AS first_cause FROM chat_messages m
  LEFT JOIN chat_messages first ON first.session_id = m.session_id AND first.message_id = m.position_id`;

const SNIPPET_TOKENS = 32;

type Key = { readonly session: string; readonly id: string };

function prepare(database: Database) {
  return {
    place: database.prepare<Key, Place>(
      `SELECT position_at AS at, position_id AS id FROM chat_messages WHERE session_id = @session AND message_id = @id`,
    ),
    page: database.prepare<Key & { readonly at: number; readonly limit: number }, MessageRow>(
      `${SELECT_MESSAGE} WHERE m.session_id = @session AND m.is_shown = 1 AND (m.position_at, m.position_id) < (@at, @id)
       ORDER BY m.position_at DESC, m.position_id DESC LIMIT @limit`,
    ),
    message: database.prepare<Key, MessageRow>(
      `${SELECT_MESSAGE} WHERE m.session_id = @session AND m.message_id = @id`,
    ),
    search: database.prepare<
      {
        readonly match: string;
        readonly person: string;
        readonly scopeType: string | null;
        readonly scopeId: string | null;
        readonly limit: number;
      },
      HitRow
    >(`SELECT m.session_id, s.title AS session_title, s.scope_type, s.scope_id, m.message_id, m.author_id, m.created_at,
         snippet(message_search, 0, '${HIT_START}', '${HIT_END}', '…', ${SNIPPET_TOKENS}) AS snippet
       FROM message_search
       JOIN chat_messages m ON m.number = message_search.rowid
       JOIN chat_sessions s ON s.id = m.session_id
       WHERE message_search MATCH @match AND m.is_shown = 1 AND s.binned_at IS NULL AND ${READABLE}
         AND (@scopeType IS NULL OR s.scope_type = @scopeType) AND (@scopeId IS NULL OR s.scope_id = @scopeId)
       ORDER BY bm25(message_search), m.created_at DESC, m.message_id DESC LIMIT @limit`),
  };
}
