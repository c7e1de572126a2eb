/** The statements by which one session's rows are forgotten, for `Projection.rebuildSession`. Inside its transaction. */
import { parseDocumentName } from '../../sync-server/protocol/document-name.ts';
import type { Database } from '../database.ts';

interface Watermark {
  readonly document: string;
  readonly throughClock: number;
}

/** How far the segments of a session are projected. */
export function watermarksOf(database: Database, sessionId: string): readonly Watermark[] {
  return database
    .prepare<[], Watermark>('SELECT document, through_clock AS throughClock FROM watermarks')
    .all()
    .filter(({ document }) => parseDocumentName(document)?.sessionId === sessionId);
}

/** Forgets what is folded from a session's entries, and remembers that those had made their events and turns. */
export function forgetSession(database: Database, sessionId: string): void {
  const clear = [
    `INSERT INTO derived_entries SELECT session_id, entry_id FROM chat_entries WHERE session_id = ? ON CONFLICT DO NOTHING`,
    'DELETE FROM message_search WHERE rowid IN (SELECT number FROM chat_messages WHERE session_id = ?)',
    'DELETE FROM chat_messages WHERE session_id = ?',
    'DELETE FROM chat_entries WHERE session_id = ?',
    `UPDATE chat_sessions SET title_set_at = -1, title_entry = '', binned_at = NULL, bin_set_at = -1, bin_entry = '',
       updated_at = created_at, message_count = 0, last_message_id = NULL WHERE id = ?`,
  ];
  for (const sql of clear) database.prepare(sql).run(sessionId);
  // Texts whose message was deleted behind the projection's back would be in the way of the next messages.
  database
    .prepare('DELETE FROM message_search WHERE rowid > (SELECT coalesce(max(number), 0) FROM chat_messages)')
    .run();
  const forget = database.prepare('DELETE FROM watermarks WHERE document = ?');
  for (const { document } of watermarksOf(database, sessionId)) forget.run(document);
}

/** An entry whose own row was lost still has its event, or its turns: it must not make them twice. */
export function rememberDerived(database: Database, session: string, entry: string): void {
  database
    .prepare(
      `INSERT INTO derived_entries (session_id, entry_id) SELECT @session, @entry
       WHERE EXISTS (SELECT 1 FROM event_log WHERE session_id = @session AND message_id = @entry)
         OR EXISTS (SELECT 1 FROM turns WHERE session_id = @session AND (cause = @entry OR id = @entry AND state IN ('done', 'stopped', 'failed')))
       ON CONFLICT DO NOTHING`,
    )
    .run({ session, entry });
}
