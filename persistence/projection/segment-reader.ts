import { compareEntries } from '../../sync-server/protocol/entry.ts';
import type { Database } from '../database.ts';

/** A page of history: its entries in the order of the session. */
export interface SegmentPage {
  readonly entries: readonly StoredEntry[];
  readonly isSealed: boolean;
}

export interface StoredEntry {
  readonly id: string;
  readonly at: number;
  readonly kind: string;
  /** The whole entry as JSON text. */
  readonly value: string;
}

/** Segments of sessions as pages of history. */
export class SegmentReader {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#sql = prepare(database);
  }

  /**
   * A segment's own entries, and those of other segments that change what they show. What a retraction takes back is
   * still among them, as in the document itself: whoever may read the one may read the other, and their fold hides it.
   */
  page(sessionId: string, segment: number): SegmentPage {
    const key = { session: sessionId, segment };
    const page = new Map(this.#sql.page.all(key).map((entry) => [entry.id, entry]));
    const named = this.#sql.arrivals.all(key).filter(({ arrived, late }) => page.has(late) && !page.has(arrived));
    const further = [...new Set(named.map(({ arrived }) => arrived))].flatMap(
      (id) => this.#sql.entry.get({ session: sessionId, id }) ?? [],
    );
    const entries = [...page.values(), ...further];
    return {
      entries: further.length === 0 ? entries : entries.sort(compareEntries),
      isSealed: entries.some(({ kind }) => kind === 'sealed'),
    };
  }
}

interface Key {
  readonly session: string;
  readonly segment: number;
}

/**
 * Where an entry of the page is changed, that change is of the page too, wherever it was written, and so is what changes
 * the change: a request for another version of a reply brings that version, whose reactions come with it. A version of a
 * reply that stands on another page stays there: `is_here` says that what was asked again is on this one.
 * CROSS JOIN: SQLite keeps that order, and looks each entry of the page up instead of reading the whole session.
 */
const PAGE = `
  WITH RECURSIVE page (id, kind, is_here) AS (
    SELECT entry_id, kind, 0 FROM chat_entries WHERE session_id = @session AND segment = @segment
    UNION
    SELECT e.entry_id, e.kind, 1 FROM page CROSS JOIN chat_entries e ON e.session_id = @session AND e.target = page.id
    WHERE e.kind IN ('edit', 'retract', 'react', 'again') OR (e.kind = 'reply' AND page.kind = 'again' AND page.is_here)
  )
  SELECT DISTINCT e.entry_id AS id, e.at, e.kind, e.value
  FROM page CROSS JOIN chat_entries e ON e.session_id = @session AND e.entry_id = page.id ORDER BY e.at, e.entry_id`;

function prepare(database: Database) {
  return {
    page: database.prepare<Key, StoredEntry>(PAGE),
    // What came late is named where the session had got to by then, never before.
    arrivals: database.prepare<Key, { readonly arrived: string; readonly late: string }>(
      `SELECT a.entry_id AS arrived, late.value AS late FROM chat_entries a CROSS JOIN json_each(a.value, '$.ids') late
       WHERE a.session_id = @session AND a.kind = 'arrived' AND a.segment >= @segment`,
    ),
    entry: database.prepare<{ readonly session: string; readonly id: string }, StoredEntry>(
      'SELECT entry_id AS id, at, kind, value FROM chat_entries WHERE session_id = @session AND entry_id = @id',
    ),
  };
}
