/**
 * The read model, folded from what the update log holds:
 *
 *     committed entries ─► chat_entries ─► messages, search, session ─► events ─► derivations ─► watermark
 *
 * A batch is one transaction. An entry counts once: one that is in `chat_entries` already changes nothing, logs nothing
 * and derives nothing, so any part of the log may be projected again at any time. Rows depend on the set of entries, not
 * on the order in which they came.
 */

import type { Entry } from '../../sync-server/protocol/entry.ts';
import type { SessionId } from '../../sync-server/protocol/ids.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import type { Database, Transaction } from '../database.ts';
import { authorName, type People } from './author-names.ts';
import type { CommittedEntries, Derivation } from './committed-entries.ts';
import { eventsOf } from './entry-events.ts';
import type { EventLog, MessageEventDraft, StoredEvent } from './event-log.ts';
import { MessageRows } from './message-rows.ts';
import { forgetSession, rememberDerived, watermarksOf } from './rebuild-session.ts';
import { titleKey } from './search-text.ts';
import type { SessionFacts } from './session-record.ts';
import { SessionRows } from './session-rows.ts';

/** What `watermark` says of a document of which nothing is projected: the log's clocks start at 0. */
export const NOTHING_PROJECTED = -1;

export interface ProjectedEntryRef {
  readonly sessionId: SessionId;
  readonly id: string;
  readonly kind: Entry['kind'];
}

export interface ProjectedBatch {
  /** Logged with this batch, in order; to be sent to those who may see them. */
  readonly events: readonly StoredEvent[];
  /** What was new, in order. */
  readonly projected: readonly ProjectedEntryRef[];
  /** Documents left as they were, watermark included, because nothing says what session they belong to. */
  readonly unknown: readonly string[];
}

export interface ProjectionParts {
  readonly database: Database;
  readonly events: EventLog;
  /** Called in this order for each new entry. */
  readonly derivations: readonly Derivation[];
  readonly people: People;
}

/** A session that a batch has entries of. */
interface TouchedSession {
  /** As it is after the entries so far. */
  record: SessionFacts;
  /** The newest segment that an entry was of. */
  segment: number;
  /** The newest `at` of what brings it to the top of the lists; 0 where nothing did. */
  activeAt: number;
}

export class Projection {
  readonly #database: Database;
  readonly #events: EventLog;
  readonly #derivations: readonly Derivation[];
  readonly #people: People;
  readonly #sessions: SessionRows;
  readonly #messages: MessageRows;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #write: Transaction<(batch: readonly CommittedEntries[]) => ProjectedBatch>;
  /** Whether there may be rows in `derived_entries`: hardly ever, so that each entry need not be looked up there. */
  #mayBeDerived: boolean;

  constructor(parts: ProjectionParts) {
    this.#database = parts.database;
    this.#events = parts.events;
    this.#derivations = parts.derivations;
    this.#people = parts.people;
    this.#sessions = new SessionRows(parts.database);
    this.#messages = new MessageRows(parts.database);
    this.#sql = prepare(parts.database);
    this.#write = parts.database.transaction((batch: readonly CommittedEntries[]) => this.#projectBatch(batch));
    this.#mayBeDerived = this.#sql.anyDerived.get() !== undefined;
  }

  /**
   * Projects a batch in one transaction: all of it is there afterwards, or, where this throws, none.
   * A session that has no row gets one from its `created` entry, which may be anywhere in the batch.
   */
  project(batch: readonly CommittedEntries[]): ProjectedBatch {
    return this.#write.immediate(batch);
  }

  /** The log's clock up to which a document is projected, inclusive; `NOTHING_PROJECTED` where none is. */
  watermark(document: string): number {
    return this.#sql.watermark.get({ document })?.throughClock ?? NOTHING_PROJECTED;
  }

  /**
   * Forgets all that is folded from entries, watermarks included; the whole log is to be projected again then. Entries
   * that were projected before will log no event and derive nothing when they come again, even if this process dies
   * in between. Sessions, members and events stay.
   */
  rebuild(): void {
    this.#database
      .transaction(() => {
        for (const statement of this.#sql.clear) statement.run();
      })
      .immediate();
    this.#mayBeDerived = true;
  }

  /**
   * Makes one session's rows anew, in one transaction, from all of its segments. What had made its events and turns makes
   * none again. Answers null, changing nothing, where the session is projected further than they go.
   */
  rebuildSession(sessionId: SessionId, segments: readonly CommittedEntries[]): ProjectedBatch | null {
    return this.#database
      .transaction(() => {
        const reached = new Map(segments.map(({ document, throughClock }) => [document, throughClock]));
        const known = watermarksOf(this.#database, sessionId);
        if (known.some(({ document, throughClock }) => throughClock > (reached.get(document) ?? NOTHING_PROJECTED)))
          return null;
        forgetSession(this.#database, sessionId);
        for (const { entries } of segments)
          for (const { id } of entries) rememberDerived(this.#database, sessionId, id);
        this.#mayBeDerived = true;
        return this.#projectBatch(segments);
      })
      .immediate();
  }

  #projectBatch(batch: readonly CommittedEntries[]): ProjectedBatch {
    const projected: ProjectedEntryRef[] = [];
    const unknown: string[] = [];
    const drafts: MessageEventDraft[] = [];
    const touched = new Map<SessionId, TouchedSession>();
    const watermarks = new Map<string, number>();
    for (const committed of batch) this.#makeSession(committed);
    for (const committed of batch) {
      const { sessionId, document, throughClock } = committed;
      const session = touched.get(sessionId) ?? this.#touch(committed);
      if (!session) {
        unknown.push(document);
        continue;
      }
      touched.set(sessionId, session);
      session.segment = Math.max(session.segment, committed.segment);
      for (const entry of committed.entries) {
        const caused = this.#projectEntry(entry, committed, session);
        if (!caused) continue;
        drafts.push(...caused);
        projected.push({ sessionId, id: entry.id, kind: entry.kind });
      }
      watermarks.set(document, Math.max(watermarks.get(document) ?? NOTHING_PROJECTED, throughClock));
    }
    for (const [session, { segment, activeAt }] of touched) {
      if (segment > 1) this.#sql.sawSegment.run({ session, segment });
      this.#messages.settle(session, activeAt);
    }
    for (const [document, throughClock] of watermarks) this.#sql.setWatermark.run({ document, throughClock });
    return { events: this.#events.appendOfMessages(drafts), projected, unknown };
  }

  #makeSession({ sessionId, entries }: CommittedEntries): void {
    const created = entries.find((entry) => entry.kind === 'created');
    if (!created || this.#sessions.row(sessionId)) return;
    const { scope, owner, title, isPrivate, at } = created;
    this.#sessions.insert({ id: sessionId, scope, owner, title, isPrivate, members: [], at });
  }

  #touch({ sessionId, segment }: CommittedEntries): TouchedSession | null {
    const record = this.#sessions.record(sessionId);
    return record && { record, segment, activeAt: 0 };
  }

  /** The events that the entry is the cause of; null where it is in already. */
  #projectEntry(
    entry: Entry,
    { sessionId, segment, committedAt }: CommittedEntries,
    session: TouchedSession,
  ): readonly MessageEventDraft[] | null {
    const { changes } = this.#sql.insertEntry.run({
      session: sessionId,
      id: entry.id,
      segment,
      kind: entry.kind,
      author: entry.author,
      at: entry.at,
      target: targetOf(entry),
      value: JSON.stringify(entry),
    });
    if (changes === 0) return null;
    const before = session.record;
    this.#foldIntoSession(entry, session);
    const text = this.#messages.apply(entry, before);
    const { record } = session;
    if (this.#mayBeDerived && this.#sql.takeDerived.run({ session: sessionId, id: entry.id }).changes > 0) return [];
    const own = eventsOf({
      entry,
      session: record,
      before,
      text,
      authorName: authorName(entry.author, this.#people),
      isDebateRunning: this.#isDebateRunning(record),
    });
    const derived = this.#derivations.flatMap((derivation) => derivation.entryProjected(entry, record));
    return [
      ...own.map((event) => ({ ...event, at: committedAt })),
      ...derived.map((draft) => ({ draft, messageId: null, at: committedAt })),
    ];
  }

  #foldIntoSession(entry: Entry, session: TouchedSession): void {
    const { id, at } = entry;
    const { id: sessionId } = session.record;
    if (isActivity(entry)) session.activeAt = Math.max(session.activeAt, at);
    if (entry.kind === 'title' || entry.kind === 'created')
      this.#sql.setTitle.run({ session: sessionId, id, at, title: entry.title, titleKey: titleKey(entry.title) });
    else if (entry.kind === 'binned' || entry.kind === 'restored')
      this.#sql.setBinned.run({ session: sessionId, id, at, binnedAt: entry.kind === 'binned' ? at : null });
    else {
      if (entry.kind === 'sealed') session.segment = Math.max(session.segment, entry.next);
      return;
    }
    const record = this.#sessions.record(sessionId);
    if (!record) throw new Error(`session ${sessionId} has lost its row`);
    session.record = record;
  }

  #isDebateRunning(session: SessionFacts): boolean {
    if (session.scope.type !== 'council') return false;
    return this.#sql.runningDebate.get({ session: session.id }) !== undefined;
  }
}

/** What brings a session to the top of the lists: something new to read, or a change of the session itself. */
export const isActivity = ({ kind }: Entry): boolean =>
  kind === 'message' ||
  kind === 'reply' ||
  kind === 'debate' ||
  kind === 'notice' ||
  kind === 'title' ||
  kind === 'created' ||
  kind === 'binned' ||
  kind === 'restored';

/** The entry that another one is about; null where it stands for itself. */
function targetOf(entry: Entry): string | null {
  switch (entry.kind) {
    case 'edit':
    case 'retract':
    case 'react':
    case 'again':
      return entry.target;
    case 'reply':
      return entry.cause;
    case 'stop':
      return entry.turn;
    case 'synthesize':
      return entry.debate;
    case 'message':
      return entry.replyTo ?? null;
    case 'debate':
    case 'notice':
    case 'title':
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

type InSession = { readonly session: string };
type Key = InSession & { readonly id: string };
type Placed = Key & { readonly at: number };

function prepare(database: Database) {
  return {
    insertEntry: database.prepare<
      Placed & {
        readonly segment: number;
        readonly kind: string;
        readonly author: string;
        readonly target: string | null;
        readonly value: string;
      }
    >(`INSERT INTO chat_entries (session_id, entry_id, segment, kind, author, at, target, value)
       VALUES (@session, @id, @segment, @kind, @author, @at, @target, @value) ON CONFLICT DO NOTHING`),
    takeDerived: database.prepare<Key>('DELETE FROM derived_entries WHERE session_id = @session AND entry_id = @id'),
    anyDerived: database.prepare<[], { readonly found: 1 }>('SELECT 1 AS found FROM derived_entries LIMIT 1'),
    setTitle: database.prepare<Placed & { readonly title: string; readonly titleKey: string }>(
      `UPDATE chat_sessions SET title = @title, title_key = @titleKey, title_set_at = @at, title_entry = @id
       WHERE id = @session AND (title_set_at, title_entry) < (@at, @id)`,
    ),
    setBinned: database.prepare<Placed & { readonly binnedAt: number | null }>(
      `UPDATE chat_sessions SET binned_at = @binnedAt, bin_set_at = @at, bin_entry = @id
       WHERE id = @session AND (bin_set_at, bin_entry) < (@at, @id)`,
    ),
    sawSegment: database.prepare<InSession & { readonly segment: number }>(
      'UPDATE chat_sessions SET live_segment = @segment WHERE id = @session AND live_segment < @segment',
    ),
    runningDebate: database.prepare<InSession, { readonly id: string }>(
      `SELECT d.entry_id AS id FROM (
         SELECT entry_id FROM chat_entries WHERE session_id = @session AND kind = 'debate'
         ORDER BY at DESC, entry_id DESC LIMIT 1) d
       WHERE NOT EXISTS (
         SELECT 1 FROM chat_entries e JOIN chat_messages m ON m.session_id = e.session_id AND m.message_id = e.entry_id
         WHERE e.session_id = @session AND e.target = d.entry_id AND e.kind = 'reply' AND m.step = 'synthesis')`,
    ),
    watermark: database.prepare<{ readonly document: string }, { readonly throughClock: number }>(
      'SELECT through_clock AS throughClock FROM watermarks WHERE document = @document',
    ),
    setWatermark: database.prepare<{ readonly document: string; readonly throughClock: number }>(
      `INSERT INTO watermarks (document, through_clock) VALUES (@document, @throughClock)
       ON CONFLICT DO UPDATE SET through_clock = max(through_clock, excluded.through_clock)`,
    ),
    clear: [
      'INSERT INTO derived_entries SELECT session_id, entry_id FROM chat_entries WHERE true ON CONFLICT DO NOTHING',
      'DELETE FROM message_search',
      'DELETE FROM chat_messages',
      'DELETE FROM chat_entries',
      'DELETE FROM watermarks',
      `UPDATE chat_sessions SET title_set_at = -1, title_entry = '', binned_at = NULL, bin_set_at = -1, bin_entry = '',
         updated_at = created_at, message_count = 0, last_message_id = NULL, live_segment = 1`,
    ].map((sql) => database.prepare(sql)),
  };
}
