import { parseDocumentName } from '../../sync-server/protocol/document-name.ts';
import { compareEntries } from '../../sync-server/protocol/entry.ts';
import { readEntries } from '../../sync-server/protocol/segment.ts';
import { loadDocument } from '../../sync-server/room/room-document.ts';
import type { StoppedOffice } from './stopped-office.ts';

/**
 * Makes all that is derived from the log anew, in one transaction: whatever interrupts it, the database is as it was.
 * Entries that had made their events and turns make none again. Rejects, changing nothing, where the log cannot be read.
 */
export async function rebuildProjection(office: StoppedOffice, signal: AbortSignal): Promise<void> {
  const { database, log, projection } = office;
  database.exec('BEGIN IMMEDIATE');
  try {
    projection.rebuild();
    for (const document of await log.documents()) {
      signal.throwIfAborted();
      const ref = parseDocumentName(document);
      if (ref?.kind !== 'segment') continue;
      const { doc, lastClock, damage } = await loadDocument(log, document);
      if (damage !== null) throw new Error(`${document} is damaged: ${damage}`);
      const entries = readEntries(doc).sort(compareEntries);
      doc.destroy();
      const { sessionId, segment } = ref;
      for (const { id } of entries) rememberDerived(office, sessionId, id);
      projection.project([{ document, sessionId, segment, throughClock: lastClock, entries, committedAt: Date.now() }]);
    }
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** An entry whose own row was lost still has its event, or its turns: it must not make them twice. */
function rememberDerived({ database }: StoppedOffice, session: string, entry: string): void {
  database
    .prepare(
      `INSERT INTO derived_entries (session_id, entry_id) SELECT @session, @entry
       WHERE EXISTS (SELECT 1 FROM event_log WHERE session_id = @session AND message_id = @entry)
         OR EXISTS (SELECT 1 FROM turns WHERE session_id = @session AND (cause = @entry OR id = @entry AND state IN ('done', 'stopped', 'failed')))
       ON CONFLICT DO NOTHING`,
    )
    .run({ session, entry });
}
