import type { Database } from '../database.ts';

/** The entries of one page of history, by reference. */
export interface SegmentPage {
  /** Ids of the entries, in the order of the session. */
  readonly ids: readonly string[];
  readonly isSealed: boolean;
  /** The entries themselves as JSON texts, in the same order. Reads them anew with each call. */
  readValues(): readonly string[];
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
    return {
      ids: this.#sql.ids.all(key).map(({ id }) => id),
      isSealed: this.#sql.sealed.get(key) !== undefined,
      readValues: () => this.#sql.values.all(key).map(({ value }) => value),
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
 */
const PAGE = `
  WITH RECURSIVE page (id, kind, is_here) AS (
    SELECT entry_id, kind, 0 FROM chat_entries WHERE session_id = @session AND segment = @segment
    UNION
    SELECT e.entry_id, e.kind, 1 FROM page JOIN chat_entries e ON e.session_id = @session AND e.target = page.id
    WHERE e.kind IN ('edit', 'retract', 'react', 'again') OR (e.kind = 'reply' AND page.kind = 'again' AND page.is_here)
  ),
  named (id) AS (
    SELECT id FROM page
    UNION
    SELECT a.entry_id FROM chat_entries a
    WHERE a.session_id = @session AND a.kind = 'arrived' AND a.segment >= @segment
      AND EXISTS (SELECT 1 FROM json_each(a.value, '$.ids') WHERE json_each.value IN (SELECT id FROM page))
  )`;
const FROM_PAGE = `
  FROM named CROSS JOIN chat_entries e ON e.session_id = @session AND e.entry_id = named.id ORDER BY e.at, e.entry_id`;

function prepare(database: Database) {
  return {
    ids: database.prepare<Key, { readonly id: string }>(`${PAGE} SELECT e.entry_id AS id ${FROM_PAGE}`),
    values: database.prepare<Key, { readonly value: string }>(`${PAGE} SELECT e.value ${FROM_PAGE}`),
    sealed: database.prepare<Key, { readonly found: 1 }>(
      `SELECT 1 AS found FROM chat_entries WHERE session_id = @session AND segment = @segment AND kind = 'sealed'`,
    ),
  };
}
