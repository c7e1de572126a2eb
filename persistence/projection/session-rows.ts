import type { SessionId } from '../../sync-server/protocol/ids.ts';
import type { Scope, ScopeType } from '../../sync-server/protocol/scope.ts';
import type { Database } from '../database.ts';
import { titleKey } from './search-text.ts';
import type { SessionRecord } from './session-record.ts';

/** A row of `chat_sessions`, as the table's checks have it. */
export interface SessionRow {
  readonly id: SessionId;
  readonly scope_type: ScopeType;
  readonly scope_id: string | null;
  readonly owner: string;
  readonly is_private: 0 | 1;
  readonly title: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly binned_at: number | null;
  readonly message_count: number;
  readonly last_message_id: string | null;
  readonly live_segment: number;
}

/** What a session is from its beginning; `at` in ms. */
export interface NewSession {
  readonly id: SessionId;
  readonly scope: Scope;
  readonly owner: string;
  readonly title: string;
  readonly isPrivate: boolean;
  /** Who besides the owner may enter; only of a private session. */
  readonly members: readonly string[];
  readonly at: number;
}

/** Whether a `chat_sessions s` may be read by @person: the SQL of `permission(person, session, 'read')`. */
export const READABLE = `(s.is_private = 0 OR s.owner = @person OR EXISTS (
  SELECT 1 FROM chat_session_members WHERE session_id = s.id AND person_id = @person))`;

/** Sessions by id: read by everyone here, made once. */
export class SessionRows {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#database = database;
    this.#sql = prepare(database);
  }

  row(id: string): SessionRow | null {
    return this.#sql.row.get({ id }) ?? null;
  }

  record(id: string): SessionRecord | null {
    const row = this.row(id);
    if (!row) return null;
    return {
      id: row.id,
      scope: { type: row.scope_type, id: row.scope_id },
      owner: row.owner,
      isPrivate: row.is_private === 1,
      members: row.is_private === 1 ? this.#sql.members.all({ id }).map((member) => member.id) : [],
      isBinned: row.binned_at !== null,
      title: row.title,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      messageCount: row.message_count,
      liveSegment: row.live_segment,
    };
  }

  /** Answers whether there was none of that id; otherwise nothing changes. */
  insert(session: NewSession): boolean {
    const write = this.#database.transaction(() => {
      const { changes } = this.#sql.insert.run({
        id: session.id,
        scopeType: session.scope.type,
        scopeId: session.scope.id,
        owner: session.owner,
        isPrivate: Number(session.isPrivate),
        title: session.title,
        titleKey: titleKey(session.title),
        at: session.at,
      });
      if (changes === 0) return false;
      const members = session.isPrivate ? new Set(session.members) : [];
      for (const person of members) this.#sql.addMember.run({ id: session.id, person });
      return true;
    });
    return write();
  }
}

type ById = { readonly id: string };

function prepare(database: Database) {
  return {
    row: database.prepare<ById, SessionRow>('SELECT * FROM chat_sessions WHERE id = @id'),
    members: database.prepare<ById, ById>(
      'SELECT person_id AS id FROM chat_session_members WHERE session_id = @id ORDER BY person_id',
    ),
    insert: database.prepare<
      ById & {
        readonly scopeType: ScopeType;
        readonly scopeId: string | null;
        readonly owner: string;
        readonly isPrivate: number;
        readonly title: string;
        readonly titleKey: string;
        readonly at: number;
      }
    >(`INSERT INTO chat_sessions (id, scope_type, scope_id, owner, is_private, created_at, title, title_key, updated_at)
       VALUES (@id, @scopeType, @scopeId, @owner, @isPrivate, @at, @title, @titleKey, @at) ON CONFLICT DO NOTHING`),
    addMember: database.prepare<ById & { readonly person: string }>(
      'INSERT INTO chat_session_members (session_id, person_id) VALUES (@id, @person)',
    ),
  };
}
