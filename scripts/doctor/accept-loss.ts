/**
 * npm run doctor -- --accept-loss: the log goes on without what it has lost.
 *
 *     look ─► copy log and database aside ─► close the gaps in the log ─► write down what was lost ─► rebuild the database
 *
 * Until the copy is whole nothing is changed, and each step can be begun anew. Only a person decides this: the devices of
 * those who wrote may still hold what is missing, and bring it when they next connect.
 */
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as Y from 'yjs';
import { DATABASE, LOG, syncToDisk } from '../../persistence/backup/manifest.ts';
import { backupName } from '../../persistence/backup/old-backups.ts';
import { type LevelStore, openLevelStore } from '../../persistence/log/level-store.ts';
import { replaceRecords, salvageDocument } from '../../persistence/log/replace-records.ts';
import { entriesOf, readEntries } from '../../sync-server/protocol/segment.ts';
import { loadDocument, OFFICE_PRINCIPAL, writeMeta } from '../../sync-server/room/room-document.ts';
import { closeGaps, type Gap } from './close-gaps.ts';
import { damagedDocuments, type LostEntry, lostEntries } from './losses.ts';
import { forgetLostTurns, removeAbandonedRows } from './mend-turns.ts';
import { rebuildProjection } from './rebuild-projection.ts';
import { catchUpWithLog, openStoppedOffice } from './stopped-office.ts';

/** The folder of the data folder in which each accepted loss leaves a folder of its own. Never emptied by itself. */
export const LOST = 'lost';
/** Lost messages that are told one by one; the file has all of them. */
const MAX_TOLD = 20;
const SHOWN_CHARS = 60;

export interface AcceptLoss {
  readonly dataFolder: string;
  readonly say: (line: string) => void;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Mends the log of a stopped office. Rejects with a sentence where that cannot be done; the copy, where made, is kept. */
export async function acceptLoss(parts: AcceptLoss): Promise<void> {
  const { dataFolder, say, signal } = parts;
  const damaged = await lookForLosses(dataFolder);
  if (damaged === null) {
    say('Nothing is lost.');
    return;
  }
  signal.throwIfAborted();
  const folder = join(dataFolder, LOST, backupName(parts.now()).slice('daena-'.length));
  await keepAside(dataFolder, folder);
  say(`The log and the database as they were are kept in ${folder}.`);
  const gaps = await mendLog(dataFolder, damaged);
  const office = await openStoppedOffice(dataFolder);
  try {
    const lost = await lostEntries(office);
    const turns = forgetLostTurns(office, new Set(lost.map(({ id }) => id)));
    await writeDown(folder, { gaps, entries: lost, turns });
    for (const line of linesOf(lost, gaps, folder)) say(line);
    await rebuildProjection(office, signal);
    await removeAbandonedRows(office);
  } finally {
    await office.close();
  }
}

/** The watermarks of the documents to mend; null where nothing is lost. */
async function lookForLosses(dataFolder: string): Promise<ReadonlyMap<string, number> | null> {
  const office = await openStoppedOffice(dataFolder);
  try {
    // What the log holds and the database does not should be in the database before anything is compared.
    await catchUpWithLog(office);
    const damaged = await damagedDocuments(office);
    if (damaged.length === 0 && (await lostEntries(office)).length === 0) return null;
    return new Map(damaged.map((document) => [document, office.projection.watermark(document)]));
  } finally {
    await office.close();
  }
}

/** Copies the files as they are: what cannot be read as a log can still be copied. */
async function keepAside(dataFolder: string, folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await cp(join(dataFolder, LOG), join(folder, LOG), { recursive: true, errorOnExist: true });
    for (const name of await readdir(dataFolder)) {
      if (name === DATABASE || name === `${DATABASE}-wal`) await cp(join(dataFolder, name), join(folder, name));
    }
    for (const name of await readdir(join(folder, LOG))) await syncToDisk(join(folder, LOG, name));
    await syncToDisk(join(folder, LOG));
    await syncToDisk(join(folder, DATABASE));
    await syncToDisk(folder);
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Nothing was changed, because the data could not be copied aside first: ${reason}.`, { cause });
  }
}

type GapsByDocument = Readonly<Record<string, readonly Gap[]>>;

async function mendLog(dataFolder: string, damaged: ReadonlyMap<string, number>): Promise<GapsByDocument> {
  const store = await openLevelStore(join(dataFolder, LOG));
  try {
    const gaps: Record<string, readonly Gap[]> = {};
    for (const [document, watermark] of damaged) gaps[document] = await mendDocument(store, document, watermark);
    return gaps;
  } finally {
    await store.close();
  }
}

async function mendDocument(store: LevelStore, document: string, watermark: number): Promise<readonly Gap[]> {
  const salvaged = await salvageDocument(store, document);
  const { doc, gaps } = closeGaps([...salvaged.updates, ...salvaged.older]);
  const { owners, doc: unused } = await loadDocument({ read: () => Promise.resolve(salvaged) }, document);
  unused.destroy();
  const meta = writeMeta(missingOwners(doc, owners), []);
  await replaceRecords(store, document, { update: Y.encodeStateAsUpdate(doc), meta }, watermark);
  doc.destroy();
  return gaps;
}

/**
 * Owners for client ids whose binding was lost: the author of all that is there under one, and otherwise the office, so
 * that nobody can take it for theirs.
 */
function missingOwners(doc: Y.Doc, owners: ReadonlyMap<number, string>): Map<number, string> {
  const authors = new Map<number, Set<string>>();
  const written = entriesOf(doc);
  for (const { id, kind, author } of readEntries(doc)) {
    const item = written._map.get(id);
    if (!(item instanceof Y.Item)) continue;
    const { client } = item.id;
    authors.set(client, (authors.get(client) ?? new Set()).add(kind === 'reply' ? `turn:${id}` : author));
  }
  const unbound = [...doc.store.clients.keys()].filter((client) => !owners.has(client));
  return new Map(
    unbound.map((client) => {
      const [author = OFFICE_PRINCIPAL, ...others] = authors.get(client) ?? [];
      return [client, others.length === 0 ? author : OFFICE_PRINCIPAL];
    }),
  );
}

interface Loss {
  readonly gaps: GapsByDocument;
  readonly entries: readonly LostEntry[];
  readonly turns: readonly unknown[];
}

async function writeDown(folder: string, loss: Loss): Promise<void> {
  const file = join(folder, 'lost.json');
  await writeFile(file, `${JSON.stringify(loss, null, 2)}\n`, { mode: 0o600 });
  await syncToDisk(file);
  await syncToDisk(folder);
}

function linesOf(lost: readonly LostEntry[], gaps: GapsByDocument, folder: string): readonly string[] {
  const texts = lost.filter(({ text }) => text !== null);
  const changes = Object.values(gaps).flat().length;
  if (lost.length === 0)
    return [`Of ${Object.keys(gaps).length} documents ${changes} gaps were closed; no entry that was shown is lost.`];
  return [
    ...texts.slice(0, MAX_TOLD).map(({ session, id, author, at, text }) => {
      const shown = (text ?? '').replaceAll(/\s+/g, ' ').slice(0, SHOWN_CHARS);
      return `lost  message ${id} of ${author}, ${new Date(at).toISOString()}, session ${session}: ${shown}`;
    }),
    ...(texts.length > MAX_TOLD ? [`lost  and ${texts.length - MAX_TOLD} more messages`] : []),
    `The log has lost ${lost.length} entries that the database knew; what they said is in ${join(folder, 'lost.json')}.`,
  ];
}
