import { parseDocumentName } from '../../sync-server/protocol/document-name.ts';
import { readEntry } from '../../sync-server/protocol/entry.ts';
import { readEntries } from '../../sync-server/protocol/segment.ts';
import { loadDocument } from '../../sync-server/room/room-document.ts';
import type { StoppedOffice } from './stopped-office.ts';

/** An entry that the database knows and the log does not hold. */
export interface LostEntry {
  readonly session: string;
  readonly id: string;
  readonly author: string;
  readonly at: number;
  /** As it was written, where that can be read. */
  readonly entry: unknown;
  /** The text that people saw last; null for what shows no text. */
  readonly text: string | null;
}

/** Every document that there is or was, by the log and by the database. */
export async function everyDocument({ log, database }: StoppedOffice): Promise<readonly string[]> {
  const read = database.prepare<[], { document: string }>('SELECT document FROM watermarks').all();
  return [...new Set([...(await log.documents()), ...read.map(({ document }) => document)])].sort();
}

/** Documents whose log is damaged, gone, or shorter than the database knows it. Rejects where one cannot be read at all. */
export async function damagedDocuments(office: StoppedOffice): Promise<readonly string[]> {
  const known = new Set(await office.log.documents());
  const damaged: string[] = [];
  for (const document of await everyDocument(office)) {
    const { doc, damage, lastClock } = await loadDocument(office.log, document);
    doc.destroy();
    const isShort = lastClock < office.projection.watermark(document);
    if (damage !== null || isShort || !known.has(document)) damaged.push(document);
  }
  return damaged;
}

/** What the database knows of and the log does not hold, damaged or not. */
export async function lostEntries(office: StoppedOffice): Promise<readonly LostEntry[]> {
  const { database, log } = office;
  const held = new Map<string, Set<string>>();
  for (const document of await log.documents()) {
    const ref = parseDocumentName(document);
    if (ref?.kind !== 'segment') continue;
    const { doc } = await loadDocument(log, document);
    const ids = held.get(ref.sessionId) ?? new Set();
    for (const { id } of readEntries(doc)) ids.add(id);
    held.set(ref.sessionId, ids);
    doc.destroy();
  }
  const rows = database
    .prepare<[], { session: string; id: string; author: string; at: number; value: string; text: string | null }>(
      `SELECT e.session_id AS session, e.entry_id AS id, e.author, e.at, e.value, m.content AS text FROM chat_entries e
       LEFT JOIN chat_messages m ON m.session_id = e.session_id AND m.message_id = e.entry_id
       ORDER BY e.session_id, e.at, e.entry_id`,
    )
    .iterate();
  const lost: LostEntry[] = [];
  for (const { value, ...row } of rows) {
    if (held.get(row.session)?.has(row.id)) continue;
    lost.push({ ...row, entry: entryOf(value) });
  }
  return lost;
}

function entryOf(value: string): unknown {
  try {
    const parsed: unknown = JSON.parse(value);
    return readEntry(parsed) ?? parsed;
  } catch {
    // Rotten in the database too: its text as it stands is all that there is.
    return value;
  }
}
