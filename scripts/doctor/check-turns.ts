import { z } from 'zod';
import { isFinal, turnStateSchema } from '../../sync-server/protocol/turn.ts';
import type { LoggedSession } from './check-documents.ts';
import type { Findings } from './findings.ts';
import type { StoppedOffice } from './stopped-office.ts';

const turnRow = z.object({ id: z.string(), cause: z.string(), state: turnStateSchema });

/** Tells which turns of a session have no end, which replies no turn, and which live rows nobody. */
export function checkTurns(
  office: StoppedOffice,
  sessionId: string,
  { entries, rows }: LoggedSession,
  findings: Findings,
): void {
  const turns = office.database
    .prepare('SELECT id, cause, state FROM turns WHERE session_id = ?')
    .all(sessionId)
    .map((row) => turnRow.parse(row));
  for (const { id, cause, state } of turns) {
    const hasReply = entries.get(id)?.entry.kind === 'reply';
    if (isFinal(state) && !hasReply) findings.add('turns', `turn ${id} is ${state} and its reply is not in the log`);
    if (!isFinal(state) && hasReply) findings.add('turns', `turn ${id} is ${state} though its reply is there`);
    if (!isFinal(state) && !hasReply && !entries.has(cause))
      findings.add('turns', `turn ${id} is ${state} and what it answers is not in the log`);
  }
  const known = new Set(turns.map(({ id }) => id));
  for (const { entry } of entries.values()) {
    if (entry.kind === 'reply' && !known.has(entry.id)) findings.add('turns', `reply ${entry.id} has no turn`);
  }
  const owned = ownedRows(office, sessionId);
  for (const row of rows) {
    if (!owned.has(row)) findings.add('rows', `live row ${row} in session ${sessionId} has no lease`);
  }
}

/** The live rows that somebody sees to: a row is its writer's while the lease lasts, and the scheduler's to remove then. */
export function ownedRows({ database }: StoppedOffice, sessionId: string): ReadonlySet<string> {
  const rows = database
    .prepare<[string], { row: string }>(
      `SELECT id || '.' || attempt AS row FROM turns
       WHERE session_id = ? AND (has_row = 1 OR lease_client_id IS NOT NULL)`,
    )
    .all(sessionId);
  return new Set(rows.map(({ row }) => row));
}
