import type { UpdateLog } from '../persistence/log/update-log.ts';
import type { CommittedEntries } from '../persistence/projection/committed-entries.ts';
import type { ProjectedBatch } from '../persistence/projection/projection.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import { parseDocumentName } from './protocol/document-name.ts';
import { compareEntries } from './protocol/entry.ts';
import { readEntries } from './protocol/segment.ts';
import { loadDocument } from './room/room-document.ts';

/**
 * Projects what the log holds and SQLite does not: the process may have died between the two. Projecting an entry again
 * changes nothing, so whole documents are given.
 */
export async function catchUp(parts: {
  log: UpdateLog;
  project: (batch: readonly CommittedEntries[]) => Promise<ProjectedBatch>;
  clock: Clock;
  logger: Logger;
}): Promise<void> {
  const { log, project, clock, logger } = parts;
  for (const document of await log.dirty()) {
    const ref = parseDocumentName(document);
    if (ref?.kind !== 'segment') continue;
    const { doc, lastClock, damage } = await loadDocument(log, document);
    if (damage) logger.error('a damaged document was projected as far as it can be read', { document, reason: damage });
    const entries = readEntries(doc).sort(compareEntries);
    const { sessionId, segment } = ref;
    const { projected } = await project([
      { document, sessionId, segment, throughClock: lastClock, entries, committedAt: clock.now() },
    ]);
    if (projected.length > 0)
      logger.info('entries were projected after an interruption', { document, count: projected.length });
    await log.markProjected(document, lastClock);
    doc.destroy();
  }
}
