import { type EventDraft, MAX_EVENTS_KEPT, type WireEvent } from '../../sync-server/protocol/events.ts';
import { officePermission, permission, type SessionGrant } from '../../sync-server/protocol/permission.ts';
import type { Person } from '../../sync-server/protocol/principal.ts';
import type { Database, Transaction } from '../database.ts';

/** An event that is in the log. */
export interface StoredEvent {
  readonly wire: WireEvent;
  /** Whose readers may see it; null: everyone in the office. */
  readonly sessionId: string | null;
}

/** A draft whose `content` (or `synthesis`) is a message's text: that is not stored again, but joined when read. */
export interface MessageEventDraft {
  readonly draft: EventDraft;
  readonly messageId: string | null;
  /** When it happened, in ms. */
  readonly at: number;
}

/** Events after an id. */
export interface EventPage {
  /** Oldest first. */
  readonly events: readonly StoredEvent[];
  /** Whether events after the given id are no longer kept, or the id is from a log that this one is not. */
  readonly gap: boolean;
  /** The oldest id kept; 0 where there is none. */
  readonly oldest: number;
}

interface EventRow {
  readonly event_id: number;
  readonly event_type: string;
  readonly entity_type: string;
  readonly entity_id: string;
  readonly session_id: string | null;
  readonly message_id: string | null;
  readonly payload: string;
  readonly created_at: number;
  readonly content: string | null;
}

/**
 * What happened in the office, numbered: `event_id` only grows, and the newest `MAX_EVENTS_KEPT` are kept. An event of a
 * message is read with the text that the message has then, so what was retracted in between comes back empty.
 */
export class EventLog {
  readonly #grantOf: (sessionId: string) => SessionGrant | null;
  readonly #maxKept: number;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #write: Transaction<(drafts: readonly MessageEventDraft[]) => readonly StoredEvent[]>;

  /** @param grantOf a session's grant, or null where there is no such session */
  constructor(
    database: Database,
    grantOf: (sessionId: string) => SessionGrant | null,
    options: { readonly maxKept?: number } = {},
  ) {
    this.#grantOf = grantOf;
    this.#maxKept = options.maxKept ?? MAX_EVENTS_KEPT;
    this.#sql = prepare(database);
    this.#write = database.transaction((drafts: readonly MessageEventDraft[]) => this.#insertAll(drafts));
  }

  /** Writes events, in order, in one transaction (or in the one that is open). `nowMs` becomes their timestamp. */
  append(drafts: readonly EventDraft[], nowMs: number): readonly StoredEvent[] {
    return this.appendOfMessages(drafts.map((draft) => ({ draft, messageId: null, at: nowMs })));
  }

  /** The same, for events that carry a message's text, and their own time. */
  appendOfMessages(drafts: readonly MessageEventDraft[]): readonly StoredEvent[] {
    return drafts.length === 0 ? [] : this.#write(drafts);
  }

  /**
   * At most `limit` events after `id`, oldest first; with a viewer only those that they may see. After null: the newest.
   * Where there is a gap, the events are the oldest kept.
   */
  since(id: number | null, limit: number, viewer?: Person): EventPage {
    const { oldest, newest } = this.range();
    const viewerId = viewer?.id ?? null;
    if (id === null) {
      const rows = this.#sql.newest.all({ viewer: viewerId, limit });
      return { events: rows.reverse().map(storedEvent), gap: false, oldest };
    }
    const gap = id > newest || id < oldest - 1;
    const rows = this.#sql.after.all({ id: gap ? 0 : id, viewer: viewerId, limit });
    return { events: rows.map(storedEvent), gap, oldest };
  }

  /** The ids of the oldest and the newest event kept; 0 where there is none. */
  range(): { readonly oldest: number; readonly newest: number } {
    return this.#sql.range.get() ?? { oldest: 0, newest: 0 };
  }

  /** Whether a person may see an event now: by the grant that its session has now. */
  visibleTo(person: Person, event: StoredEvent): boolean {
    if (event.sessionId === null) return officePermission(person, 'see');
    const grant = this.#grantOf(event.sessionId);
    return grant !== null && permission(person, grant, 'read');
  }

  #insertAll(drafts: readonly MessageEventDraft[]): readonly StoredEvent[] {
    const events = drafts.map((draft) => this.#insert(draft));
    const newest = events.at(-1)?.wire.event_id ?? 0;
    this.#sql.prune.run({ through: newest - this.#maxKept });
    return events;
  }

  #insert({ draft, messageId, at }: MessageEventDraft): StoredEvent {
    const field = textField(draft.type);
    const stored = messageId === null ? draft.payload : { ...draft.payload, [field]: '' };
    const { lastInsertRowid } = this.#sql.insert.run({
      type: draft.type,
      entityType: draft.entityType,
      entityId: draft.entityId,
      sessionId: draft.sessionId,
      messageId,
      payload: JSON.stringify(stored),
      at,
    });
    return {
      wire: {
        event_id: Number(lastInsertRowid),
        event_type: draft.type,
        entity_type: draft.entityType,
        entity_id: draft.entityId,
        payload: draft.payload,
        timestamp: new Date(at).toISOString(),
      },
      sessionId: draft.sessionId,
    };
  }
}

function storedEvent(row: EventRow): StoredEvent {
  const stored: unknown = JSON.parse(row.payload);
  const payload =
    row.message_id !== null && typeof stored === 'object' && stored !== null
      ? { ...stored, [textField(row.event_type)]: row.content ?? '' }
      : stored;
  return {
    wire: {
      event_id: row.event_id,
      event_type: row.event_type,
      entity_type: row.entity_type,
      entity_id: row.entity_id,
      payload,
      timestamp: new Date(row.created_at).toISOString(),
    },
    sessionId: row.session_id,
  };
}

/** The payload's field that is the message's text. */
const textField = (type: string): 'content' | 'synthesis' =>
  type === 'council.debate.synthesized' ? 'synthesis' : 'content';

const SELECT_SEEN = `
  SELECT e.*, m.content FROM event_log e
  LEFT JOIN chat_messages m ON m.session_id = e.session_id AND m.message_id = e.message_id
  LEFT JOIN chat_sessions s ON s.id = e.session_id
  WHERE (@viewer IS NULL OR e.session_id IS NULL OR s.is_private = 0 OR s.owner = @viewer OR EXISTS (
    SELECT 1 FROM chat_session_members WHERE session_id = e.session_id AND person_id = @viewer))`;

function prepare(database: Database) {
  return {
    insert: database.prepare<{
      readonly type: string;
      readonly entityType: string;
      readonly entityId: string;
      readonly sessionId: string | null;
      readonly messageId: string | null;
      readonly payload: string;
      readonly at: number;
    }>(`INSERT INTO event_log (event_type, entity_type, entity_id, session_id, message_id, payload, created_at)
        VALUES (@type, @entityType, @entityId, @sessionId, @messageId, @payload, @at)`),
    prune: database.prepare<{ readonly through: number }>('DELETE FROM event_log WHERE event_id <= @through'),
    range: database.prepare<[], { readonly oldest: number; readonly newest: number }>(
      `SELECT ifnull((SELECT min(event_id) FROM event_log), 0) AS oldest,
              ifnull((SELECT max(event_id) FROM event_log), 0) AS newest`,
    ),
    after: database.prepare<{ readonly id: number; readonly viewer: string | null; readonly limit: number }, EventRow>(
      `${SELECT_SEEN} AND e.event_id > @id ORDER BY e.event_id LIMIT @limit`,
    ),
    newest: database.prepare<{ readonly viewer: string | null; readonly limit: number }, EventRow>(
      `${SELECT_SEEN} ORDER BY e.event_id DESC LIMIT @limit`,
    ),
  };
}
