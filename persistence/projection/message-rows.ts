import { compareEntries, type Entry, type ReplyEntry } from '../../sync-server/protocol/entry.ts';
import type { EntryId, SessionId } from '../../sync-server/protocol/ids.ts';
import type { Scope } from '../../sync-server/protocol/scope.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import type { Database } from '../database.ts';
import { searchableText } from './search-text.ts';

/**
 * Whether a row of `chat_messages` is something that was said: a message, a debate's topic or an agent's answer, as it is
 * shown now, and not taken back.
 */
export const IS_SAID = `is_shown = 1 AND deleted = 0 AND content <> ''
  AND (role = 'user' OR step IN ('answer', 'synthesis'))`;

interface MessageSession {
  readonly id: SessionId;
  readonly scope: Scope;
}

/** Entries that are themselves shown as messages; the others change what is shown. */
type ShownEntry = Extract<Entry, { kind: 'message' | 'reply' | 'debate' | 'notice' }>;
type EditEntry = Extract<Entry, { kind: 'edit' }>;

interface FoldedContent {
  readonly number: number;
  readonly kind: ShownEntry['kind'];
  readonly author: string;
  readonly value: string;
}

interface Place {
  readonly positionAt: number;
  readonly positionId: string;
}

interface ReplyPlace extends Place {
  readonly id: EntryId;
  readonly at: number;
  readonly cause: string;
}

/**
 * The rows of `chat_messages` and of the search index, kept equal to what the protocol's `fold` says of the session's
 * entries, whatever order those come in. An entry touches the rows that it is or that it refers to, and no others.
 * To be called inside a transaction, after the entry itself is in `chat_entries`.
 */
export class MessageRows {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#sql = prepare(database);
  }

  /**
   * Takes in what a newly inserted entry changes; `settle` is to be called after the last one of the session. Answers
   * the text that the entry itself shows now; null where it shows none.
   */
  apply(entry: Entry, session: MessageSession): string | null {
    switch (entry.kind) {
      case 'message':
      case 'debate':
      case 'notice':
        return this.#insert(entry, session);
      case 'reply': {
        const text = this.#insert(entry, session);
        this.#place(session.id, [entry.id]);
        return text;
      }
      case 'edit':
      case 'retract':
        this.#foldContent(session.id, entry.target);
        return null;
      case 'again':
        this.#place(session.id, this.#repliesTo(session.id, entry.id));
        return null;
      case 'react':
      case 'title':
      case 'stop':
      case 'synthesize':
      case 'created':
      case 'binned':
      case 'restored':
      case 'sealed':
      case 'arrived':
        return null;
      default:
        return unreachable(entry);
    }
  }

  /**
   * Brings the session's row up to date with its messages.
   * @param activeAt the newest `at` of what brings it to the top of the lists; 0 where nothing new does
   */
  settle(sessionId: SessionId, activeAt: number): void {
    this.#sql.settle.run({ session: sessionId, activeAt });
  }

  /** Answers the text shown. */
  #insert(entry: ShownEntry, session: MessageSession): string {
    const content = textOf(entry);
    const reply = entry.kind === 'reply' ? entry : null;
    const { lastInsertRowid: number } = this.#sql.insert.run({
      session: session.id,
      id: entry.id,
      scopeType: session.scope.type,
      scopeId: session.scope.id,
      kind: entry.kind,
      role: roleOf(entry),
      author: entry.author,
      agent: reply?.author ?? null,
      content,
      model: reply?.model ?? null,
      tokens: reply?.measures?.outputTokens ?? null,
      responseTimeMs: reply?.measures?.totalMs ?? null,
      at: entry.at,
      step: reply?.step ?? null,
      outcome: reply?.outcome ?? null,
      cause: reply?.cause ?? null,
      isRehearsed: reply?.isRehearsed === undefined ? null : Number(reply.isRehearsed),
    });
    this.#index(number, content);
    // Nearly always it comes before what changes it.
    const isChanged = this.#sql.change.get({ session: session.id, id: entry.id }) !== undefined;
    return isChanged ? (this.#foldContent(session.id, entry.id) ?? '') : content;
  }

  /**
   * Text, edit and retraction of one message; answers the text shown. Nothing happens, and null is answered, where the
   * target is not here (yet) or is no message.
   */
  #foldContent(sessionId: SessionId, id: string): string | null {
    const row = this.#sql.content.get({ session: sessionId, id });
    if (!row) return null;
    // reason: the value was parsed as an entry of this kind before it was stored
    const entry = JSON.parse(row.value) as ShownEntry;
    const edit =
      entry.kind === 'message' ? this.#sql.newestEdit.get({ session: sessionId, id, author: entry.author }) : undefined;
    const isRetracted = this.#sql.retraction.get({ session: sessionId, id }) !== undefined;
    // reason: only entries of kind `edit` are selected, and they were parsed before they were stored
    const text = edit ? (JSON.parse(edit.value) as EditEntry).body : textOf(entry);
    const content = isRetracted ? '' : text;
    this.#sql.setContent.run({
      number: row.number,
      content,
      editedAt: edit?.at ?? null,
      deleted: Number(isRetracted),
    });
    this.#sql.unindex.run({ number: row.number });
    this.#index(row.number, content);
    return content;
  }

  #index(number: number | bigint, content: string): void {
    if (content.trim() !== '') this.#sql.index.run({ number, text: searchableText(content) });
  }

  /**
   * Puts replies where they belong: a version beside the first one, and with each reply the versions that hang on it.
   * A reply is a version of another only if that one stands before it: so this ends, whatever refers to whatever.
   */
  #place(sessionId: SessionId, replies: readonly string[]): void {
    const pending = [...replies];
    const touched = new Set<string>();
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      const reply = this.#sql.reply.get({ session: sessionId, id });
      if (!reply) continue;
      const place = this.#versionOf(sessionId, reply) ?? { positionAt: reply.at, positionId: reply.id };
      if (place.positionId !== reply.positionId) {
        const { positionAt, positionId } = place;
        this.#sql.setPlace.run({ session: sessionId, id, positionAt, positionId });
        touched.add(reply.positionId);
      }
      touched.add(place.positionId);
      pending.push(...this.#sql.laterVersions.all({ session: sessionId, id, at: reply.at }).map((later) => later.id));
    }
    for (const positionId of touched) this.#sql.showNewest.run({ session: sessionId, positionId });
  }

  #versionOf(sessionId: SessionId, reply: ReplyPlace): Place | null {
    const earlier = this.#sql.earlierVersion.get({ session: sessionId, cause: reply.cause });
    return earlier && compareEntries(earlier, reply) < 0 ? earlier : null;
  }

  #repliesTo(sessionId: SessionId, cause: string): string[] {
    return this.#sql.repliesTo.all({ session: sessionId, cause }).map((reply) => reply.id);
  }
}

function roleOf(entry: ShownEntry): 'user' | 'assistant' | 'system' {
  if (entry.kind === 'reply') return 'assistant';
  return entry.kind === 'notice' ? 'system' : 'user';
}

function textOf(entry: ShownEntry): string {
  return entry.kind === 'debate' ? entry.topic : entry.body;
}

type Key = { readonly session: string; readonly id: string };

function prepare(database: Database) {
  return {
    insert: database.prepare<
      Key & {
        readonly scopeType: string;
        readonly scopeId: string | null;
        readonly kind: string;
        readonly role: string;
        readonly author: string;
        readonly agent: string | null;
        readonly content: string;
        readonly model: string | null;
        readonly tokens: number | null;
        readonly responseTimeMs: number | null;
        readonly at: number;
        readonly step: string | null;
        readonly outcome: string | null;
        readonly cause: string | null;
        readonly isRehearsed: number | null;
      }
    >(`INSERT INTO chat_messages (session_id, message_id, scope_type, scope_id, kind, role, author_id, agent_id, content,
         model, tokens, response_time_ms, created_at, step, outcome, cause, is_rehearsed, position_at, position_id)
       VALUES (@session, @id, @scopeType, @scopeId, @kind, @role, @author, @agent, @content,
         @model, @tokens, @responseTimeMs, @at, @step, @outcome, @cause, @isRehearsed, @at, @id)`),
    content: database.prepare<Key, FoldedContent>(
      `SELECT m.number, m.kind, m.author_id AS author, e.value FROM chat_messages m
       JOIN chat_entries e ON e.session_id = m.session_id AND e.entry_id = m.message_id
       WHERE m.session_id = @session AND m.message_id = @id`,
    ),
    newestEdit: database.prepare<Key & { readonly author: string }, { readonly at: number; readonly value: string }>(
      `SELECT at, value FROM chat_entries
       WHERE session_id = @session AND target = @id AND kind = 'edit' AND author = @author
       ORDER BY at DESC, entry_id DESC LIMIT 1`,
    ),
    change: database.prepare<Key, { readonly found: 1 }>(
      `SELECT 1 AS found FROM chat_entries
       WHERE session_id = @session AND target = @id AND kind IN ('edit', 'retract') LIMIT 1`,
    ),
    retraction: database.prepare<Key, { readonly found: 1 }>(
      `SELECT 1 AS found FROM chat_entries WHERE session_id = @session AND target = @id AND kind = 'retract' LIMIT 1`,
    ),
    setContent: database.prepare<{
      readonly number: number;
      readonly content: string;
      readonly editedAt: number | null;
      readonly deleted: number;
    }>(`UPDATE chat_messages SET content = @content, edited_at = @editedAt, deleted = @deleted WHERE number = @number`),
    unindex: database.prepare<{ readonly number: number }>('DELETE FROM message_search WHERE rowid = @number'),
    index: database.prepare<{ readonly number: number | bigint; readonly text: string }>(
      'INSERT INTO message_search (rowid, content) VALUES (@number, @text)',
    ),
    reply: database.prepare<Key, ReplyPlace>(
      `SELECT message_id AS id, created_at AS at, cause, position_at AS positionAt, position_id AS positionId
       FROM chat_messages WHERE session_id = @session AND message_id = @id AND kind = 'reply'`,
    ),
    earlierVersion: database.prepare<{ readonly session: string; readonly cause: string }, ReplyPlace>(
      `SELECT r.message_id AS id, r.created_at AS at, r.cause, r.position_at AS positionAt, r.position_id AS positionId
       FROM chat_entries a JOIN chat_messages r ON r.session_id = a.session_id AND r.message_id = a.target
       WHERE a.session_id = @session AND a.entry_id = @cause AND a.kind = 'again' AND r.kind = 'reply'`,
    ),
    // CROSS JOIN keeps SQLite from reading every later entry of the session first.
    laterVersions: database.prepare<Key & { readonly at: number }, { readonly id: string }>(
      `SELECT r.entry_id AS id FROM chat_entries a
       CROSS JOIN chat_entries r ON r.session_id = a.session_id AND r.target = a.entry_id AND r.kind = 'reply'
       WHERE a.session_id = @session AND a.target = @id AND a.kind = 'again' AND (r.at, r.entry_id) > (@at, @id)`,
    ),
    repliesTo: database.prepare<
      { readonly session: string; readonly cause: string },
      { readonly id: ReplyEntry['id'] }
    >(`SELECT entry_id AS id FROM chat_entries WHERE session_id = @session AND target = @cause AND kind = 'reply'`),
    setPlace: database.prepare<Key & Place>(
      `UPDATE chat_messages SET position_at = @positionAt, position_id = @positionId
       WHERE session_id = @session AND message_id = @id`,
    ),
    showNewest: database.prepare<{ readonly session: string; readonly positionId: string }>(
      `UPDATE chat_messages SET is_shown = message_id = (
         SELECT message_id FROM chat_messages WHERE session_id = @session AND position_id = @positionId
         ORDER BY created_at DESC, message_id DESC LIMIT 1)
       WHERE session_id = @session AND position_id = @positionId`,
    ),
    settle: database.prepare<{ readonly session: string; readonly activeAt: number }>(
      `UPDATE chat_sessions SET updated_at = max(updated_at, @activeAt), last_message_id = (
         SELECT message_id FROM chat_messages
         WHERE session_id = @session AND ${IS_SAID}
         ORDER BY position_at DESC, position_id DESC LIMIT 1)
       WHERE id = @session`,
    ),
  };
}
