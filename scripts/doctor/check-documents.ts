import * as Y from 'yjs';
import type { SegmentEntry } from '../../persistence/projection/session-content.ts';
import { parseDocumentName } from '../../sync-server/protocol/document-name.ts';
import { type Entry, OFFICE_AUTHOR } from '../../sync-server/protocol/entry.ts';
import { entriesOf, liveOf, readEntries } from '../../sync-server/protocol/segment.ts';
import { type LoadedDocument, loadDocument, OFFICE_PRINCIPAL } from '../../sync-server/room/room-document.ts';
import type { Findings } from './findings.ts';
import type { StoppedOffice } from './stopped-office.ts';

/** What the log holds of a session. */
export interface LoggedSession {
  readonly entries: ReadonlyMap<string, SegmentEntry>;
  /** Ids of live rows. */
  readonly rows: readonly string[];
  /** Whether all of it could be read. */
  readonly isWhole: boolean;
}

/** Reads a session's documents, and tells what is wrong with the log, with who wrote it, and with its watermarks. */
export async function checkDocuments(
  office: StoppedOffice,
  documents: readonly string[],
  findings: Findings,
): Promise<LoggedSession> {
  const entries = new Map<string, SegmentEntry>();
  const rows: string[] = [];
  let isWhole = true;
  for (const document of documents) {
    const loaded = await load(office, document, findings);
    if (!loaded || loaded.damage !== null) isWhole = false;
    if (!loaded) continue;
    const { doc, lastClock } = loaded;
    checkBindings(document, loaded, findings);
    const ref = parseDocumentName(document);
    if (ref?.kind === 'segment') {
      checkWatermark(office, document, lastClock, findings);
      for (const entry of readEntries(doc)) {
        if (!entries.has(entry.id)) entries.set(entry.id, { entry, segment: ref.segment });
        else findings.add('log', `entry ${entry.id} stands in two segments, one of them ${document}`);
      }
      rows.push(...liveOf(doc).keys());
    }
    doc.destroy();
  }
  return { entries, rows, isWhole };
}

async function load(office: StoppedOffice, document: string, findings: Findings): Promise<LoadedDocument | null> {
  try {
    const loaded = await loadDocument(office.log, document);
    if (loaded.damage !== null) findings.add('log', `${document}: ${loaded.damage}`);
    if (parseDocumentName(document) === null) findings.add('log', `${document} is no name of a document`);
    return loaded;
  } catch (error) {
    findings.add('log', `${document}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

function checkBindings(document: string, { doc, owners }: LoadedDocument, findings: Findings): void {
  for (const client of doc.store.clients.keys()) {
    if (!owners.has(client)) findings.add('bindings', `${document}: nobody is bound to client ${client}`);
  }
  const written = entriesOf(doc);
  for (const entry of readEntries(doc)) {
    const item = written._map.get(entry.id);
    const owner = item instanceof Y.Item ? owners.get(item.id.client) : undefined;
    if (owner !== undefined && !mayHaveWritten(owner, entry))
      findings.add('bindings', `${document}: entry ${entry.id} of ${entry.author} was written by ${owner}`);
  }
}

/** The office writes its own entries, those that came by HTTP, and the ends of turns that it ends. */
function mayHaveWritten(owner: string, entry: Entry): boolean {
  if (owner === OFFICE_PRINCIPAL) return true;
  if (entry.kind === 'reply') return owner === `turn:${entry.id}`;
  return entry.author !== OFFICE_AUTHOR && owner === entry.author;
}

function checkWatermark(office: StoppedOffice, document: string, lastClock: number, findings: Findings): void {
  const through = office.projection.watermark(document);
  if (through < lastClock)
    findings.add('watermarks', `${document} is read through record ${through} of ${lastClock}, and nothing says so`);
  if (through > lastClock)
    findings.add('watermarks', `${document} was read through ${through}, and ends at ${lastClock}`);
}
