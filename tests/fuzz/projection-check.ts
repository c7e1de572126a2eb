import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type * as Y from 'yjs';
import { DATABASE } from '../../persistence/backup/manifest.ts';
import {
  contentHash,
  contentOfLog,
  contentOfProjection,
  differenceOf,
} from '../../persistence/projection/session-content.ts';
import { readEntries } from '../../sync-server/protocol/segment.ts';

/** How the rows of a session differ from the fold of a replica of its segments, the first one's first; null where they say the same. A running office may write meanwhile. */
export function projectionDifference(
  dataFolder: string,
  sessionId: string,
  documents: readonly Y.Doc[],
): string | null {
  return looking(dataFolder, (database) => {
    const entries = documents.flatMap((doc, index) =>
      readEntries(doc).map((entry) => [entry.id as string, { entry, segment: index + 1 }] as const),
    );
    const expected = contentOfLog(database, sessionId, new Map(entries));
    const found = contentOfProjection(database, sessionId);
    if (!expected || !found) return 'no such session';
    return contentHash(expected) === contentHash(found) ? null : differenceOf(expected, found);
  });
}

/** Events that an entry, or the making of a chat, was the cause of more than once. */
export function repeatedEvents(dataFolder: string, sessionId: string): number {
  return looking(dataFolder, (database) => {
    const row = database
      .prepare<[string], { count: number }>(
        `SELECT count(*) AS count FROM (
           SELECT 1 FROM event_log
           WHERE session_id = ? AND (message_id IS NOT NULL OR event_type = 'session.created')
           GROUP BY event_type, message_id HAVING count(*) > 1)`,
      )
      .get(sessionId);
    return row?.count ?? 0;
  });
}

export interface TurnRow {
  readonly id: string;
  readonly state: string;
}

/** Every turn that the session's entries were the cause of. */
export function turnsOf(dataFolder: string, sessionId: string): readonly TurnRow[] {
  return looking(dataFolder, (database) =>
    database.prepare<[string], TurnRow>('SELECT id, state FROM turns WHERE session_id = ?').all(sessionId),
  );
}

function looking<Result>(dataFolder: string, look: (database: Sqlite.Database) => Result): Result {
  const database = new Sqlite(join(dataFolder, DATABASE), { readonly: true });
  try {
    return look(database);
  } finally {
    database.close();
  }
}
