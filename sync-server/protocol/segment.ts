/**
 * A segment's shape in Yjs: `entries` holds the immutable entries by id, `live` the rows that agents are writing now.
 * Everyone who reads or writes a segment goes through here.
 */
import * as Y from 'yjs';
import { z } from 'zod';
import { type Entry, readEntry, stepSchema } from './entry.ts';

/** A segment with so many entries is full: it ends once no agent writes in it, or at twice that. */
export const SEGMENT_ENTRIES = 1_000;
/** The same for the JSON bytes (UTF-8) of its entries. */
export const SEGMENT_BYTES = 512 * 1024;
/** A segment that has ended takes what its authors' devices had not sent yet, up to so many entries in all. */
export const MAX_SEALED_ENTRIES = 4_000;
/** The same for the JSON bytes of its entries. */
export const MAX_SEALED_BYTES = 2 * 1024 * 1024;

export const ENTRIES = 'entries';
export const LIVE = 'live';

/** What an agent is writing at this moment; gone when its reply is an entry. */
export interface LiveRow {
  readonly rowId: string;
  readonly turn: string;
  readonly attempt: number;
  readonly agent: string;
  readonly cause: string;
  readonly step: z.infer<typeof stepSchema>;
  readonly at: number;
  readonly model: string;
  readonly isRehearsed: boolean;
  readonly text: string;
  readonly thinking: string;
}

const rowFieldsSchema = z.object({
  turn: z.string(),
  attempt: z.int().positive(),
  agent: z.string(),
  cause: z.string(),
  step: stepSchema,
  at: z.number(),
  model: z.string(),
  isRehearsed: z.boolean(),
});
export type LiveRowFields = z.infer<typeof rowFieldsSchema>;

export const rowIdOf = (turn: string, attempt: number): string => `${turn}.${attempt}`;

export const entriesOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap(ENTRIES);
export const liveOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap(LIVE);

/** Every entry of the segment that this version understands, in no order. */
export function readEntries(doc: Y.Doc): Entry[] {
  const entries: Entry[] = [];
  for (const value of entriesOf(doc).values()) {
    const entry = readEntry(value);
    if (entry) entries.push(entry);
  }
  return entries;
}

/** Sets an entry under its id. The caller makes sure the key is free: setting it a second time would change history. */
export function writeEntry(doc: Y.Doc, entry: Entry): void {
  entriesOf(doc).set(entry.id, entry);
}

/** Creates an agent's row and returns the texts that it appends to. */
export function createLiveRow(doc: Y.Doc, fields: LiveRowFields): { text: Y.Text; thinking: Y.Text } {
  const row = new Y.Map<unknown>();
  const text = new Y.Text();
  const thinking = new Y.Text();
  doc.transact(() => {
    liveOf(doc).set(rowIdOf(fields.turn, fields.attempt), row);
    for (const [key, value] of Object.entries(fields)) row.set(key, value);
    row.set('text', text);
    row.set('thinking', thinking);
  });
  return { text, thinking };
}

/** One row by its id; null where there is none, or while it is not complete. */
export function readLiveRow(doc: Y.Doc, rowId: string): LiveRow | null {
  const row = liveOf(doc).get(rowId);
  if (!(row instanceof Y.Map)) return null;
  const fields = rowFieldsSchema.safeParse(Object.fromEntries(row.entries()));
  const text = row.get('text');
  const thinking = row.get('thinking');
  if (!fields.success || !(text instanceof Y.Text)) return null;
  return {
    rowId,
    ...fields.data,
    text: text.toString(),
    thinking: thinking instanceof Y.Text ? thinking.toString() : '',
  };
}

/** Every complete row. */
export function readLiveRows(doc: Y.Doc): LiveRow[] {
  return [...liveOf(doc).keys()].flatMap((rowId) => readLiveRow(doc, rowId) ?? []);
}

/** Ends a row: its reply becomes an entry and the row goes, as one change that nobody sees half of. */
export function finishLiveRow(doc: Y.Doc, rowId: string, reply: Entry): void {
  doc.transact(() => {
    writeEntry(doc, reply);
    liveOf(doc).delete(rowId);
  });
}
