import {
  contentHash,
  contentOfLog,
  contentOfProjection,
  differenceOf,
} from '../../persistence/projection/session-content.ts';
import { parseDocumentName } from '../../sync-server/protocol/document-name.ts';
import { checkDocuments, type LoggedSession } from './check-documents.ts';
import { checkTurns } from './check-turns.ts';
import { Findings } from './findings.ts';
import type { StoppedOffice } from './stopped-office.ts';

/**
 * Looks at everything, one session at a time. Changes nothing.
 * Rejects where the log's list of documents cannot be read at all, or with the signal's reason.
 */
export async function examine(office: StoppedOffice, signal: AbortSignal): Promise<Findings> {
  const findings = new Findings();
  checkDatabase(office, findings);
  const bySession = await documentsBySession(office, findings);
  for (const [sessionId, documents] of bySession) {
    signal.throwIfAborted();
    const logged = await checkDocuments(office, documents, findings);
    // Of a damaged log nobody knows what it should say: that it is damaged is told already.
    if (!logged.isWhole) continue;
    checkProjection(office, sessionId, logged, findings);
    checkTurns(office, sessionId, logged, findings);
  }
  if (!canOwnerSignIn(office)) findings.add('accounts', 'no owner can sign in (npm run owner makes a link)');
  return findings;
}

/** Whether there is an owner who is not disabled and has a password. */
function canOwnerSignIn({ database, accounts }: StoppedOffice): boolean {
  const password = database.prepare<[string], { found: 1 }>(
    `SELECT 1 AS found FROM "account" WHERE "userId" = ? AND "providerId" = 'credential' AND "password" IS NOT NULL`,
  );
  return accounts.members().some(({ id, role, disabled }) => role === 'owner' && !disabled && password.get(id));
}

function checkDatabase({ database }: StoppedOffice, findings: Findings): void {
  const integrity = database.pragma('integrity_check', { simple: true });
  if (integrity !== 'ok') findings.add('database', String(integrity));
  const foreign = database.prepare<[], { table: string }>('PRAGMA foreign_key_check').get();
  if (foreign) findings.add('database', `a row of ${foreign.table} refers to nothing`);
}

/** The documents of each session, segments in order; those that the database alone knows have none. */
async function documentsBySession(office: StoppedOffice, findings: Findings): Promise<Map<string, string[]>> {
  const { database, log } = office;
  const bySession = new Map<string, string[]>();
  const sessions = database.prepare<[], { id: string }>('SELECT id FROM chat_sessions ORDER BY id').all();
  for (const { id } of sessions) bySession.set(id, []);
  const known = new Set(await log.documents());
  const read = database.prepare<[], { document: string }>('SELECT document FROM watermarks').all();
  for (const { document } of read) if (!known.has(document)) findings.add('log', `${document} is gone from the log`);
  for (const document of [...known].sort(bySegment)) {
    const sessionId = parseDocumentName(document)?.sessionId ?? document;
    bySession.set(sessionId, [...(bySession.get(sessionId) ?? []), document]);
  }
  return bySession;
}

function bySegment(a: string, b: string): number {
  const [first, second] = [parseDocumentName(a), parseDocumentName(b)];
  if (first?.kind === 'segment' && second?.kind === 'segment') return first.segment - second.segment;
  return a < b ? -1 : 1;
}

function checkProjection(
  { database }: StoppedOffice,
  sessionId: string,
  { entries }: LoggedSession,
  findings: Findings,
): void {
  const expected = contentOfLog(database, sessionId, entries);
  const found = contentOfProjection(database, sessionId);
  if (!expected || !found) {
    findings.add('projection', `session ${sessionId} is in the log only`);
    return;
  }
  const lost = [...found.entries.keys()].filter((id) => !entries.has(id));
  if (lost.length > 0)
    findings.add('log', `session ${sessionId}: the database knows ${lost.length} entries that the log has lost`);
  if (contentHash(expected) !== contentHash(found))
    findings.add('projection', `session ${sessionId}: ${differenceOf(expected, found)}`);
  for (const { entry } of entries.values()) {
    if (entry.kind !== 'created') continue;
    const { scope, owner, isPrivate } = entry;
    const row = database
      .prepare<[string], { scope_type: string; scope_id: string | null; owner: string; is_private: number }>(
        'SELECT scope_type, scope_id, owner, is_private FROM chat_sessions WHERE id = ?',
      )
      .get(sessionId);
    const isSame =
      row?.scope_type === scope.type &&
      row.scope_id === scope.id &&
      row.owner === owner &&
      row.is_private === Number(isPrivate);
    if (!isSame) findings.add('database', `session ${sessionId} is not whose it was when it was made`);
  }
}
