import { parseDocumentName } from '../../sync-server/protocol/document-name.ts';
import { liveOf } from '../../sync-server/protocol/segment.ts';
import { isFinal, type TurnState } from '../../sync-server/protocol/turn.ts';
import { loadDocument } from '../../sync-server/room/room-document.ts';
import { ownedRows } from './check-turns.ts';
import type { StoppedOffice } from './stopped-office.ts';

/**
 * Removes live rows that nobody writes and the scheduler knows nothing of: a log that is newer than its database (a
 * restored backup) holds such rows, whose turns begin anew. Answers how many.
 */
export async function removeAbandonedRows(office: StoppedOffice): Promise<number> {
  let count = 0;
  for (const document of await office.log.documents()) {
    const ref = parseDocumentName(document);
    if (ref?.kind !== 'segment') continue;
    const { doc, damage } = await loadDocument(office.log, document);
    const live = liveOf(doc);
    const owned = ownedRows(office, ref.sessionId);
    const abandoned = [...live.keys()].filter((row) => !owned.has(row));
    if (damage === null && abandoned.length > 0) {
      // Only deletions: they need no client id, so nothing is bound.
      const updates: Uint8Array[] = [];
      doc.on('update', (update: Uint8Array) => updates.push(update));
      doc.transact(() => {
        for (const row of abandoned) live.delete(row);
      });
      for (const update of updates) await office.log.append({ document, update });
      count += abandoned.length;
    }
    doc.destroy();
  }
  return count;
}

/** Ends the turns whose reply is there already, as that says. Answers how many. */
export function endAnsweredTurns({ database, sessions, turns, events }: StoppedOffice): number {
  const open = database
    .prepare<[], { id: string; session_id: string }>(
      `SELECT id, session_id FROM turns WHERE state NOT IN ('done', 'stopped', 'failed')`,
    )
    .all();
  let count = 0;
  for (const { id, session_id } of open) {
    const reply = sessions.entry(session_id, id);
    if (reply?.kind !== 'reply') continue;
    database.transaction(() => events.append(turns.applyReply(reply), Date.now())).immediate();
    count++;
  }
  return count;
}

/**
 * Forgets the turns that cannot go on, or whose end is gone, because what they answer or their reply is lost: nobody is
 * left waiting, and whoever asked can ask again. Answers them as they were.
 */
export function forgetLostTurns({ database }: StoppedOffice, lost: ReadonlySet<string>): readonly unknown[] {
  const turns = database.prepare<[], { id: string; cause: string; state: TurnState }>('SELECT * FROM turns').all();
  const forgotten = turns.filter(({ id, cause, state }) => lost.has(id) || (lost.has(cause) && !isFinal(state)));
  const forget = database.prepare('DELETE FROM turns WHERE id = ?');
  database.transaction(() => {
    for (const { id } of forgotten) forget.run(id);
  })();
  return forgotten;
}
