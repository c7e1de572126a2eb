import { rememberDerived } from '../../persistence/projection/rebuild-session.ts';
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
      for (const { id } of entries) rememberDerived(database, sessionId, id);
      projection.project([{ document, sessionId, segment, throughClock: lastClock, entries, committedAt: Date.now() }]);
    }
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
