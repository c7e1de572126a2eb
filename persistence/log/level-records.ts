import { decodeKey, decodeMeta, decodeStateVectorClock, stateVectorKey, updateKey, updateRange } from './level-keys.ts';
import type { LevelStore, StoreEntry } from './level-store.ts';
import { isReadableUpdate } from './update-checks.ts';
import type { LoggedDocument } from './update-log.ts';

/** A document's records by clock, `null` where LevelDB cannot give a record's bytes. */
export async function readUpdates(store: LevelStore, document: string): Promise<Map<number, Uint8Array | null>> {
  const range = updateRange(document);
  try {
    const entries = await store.entries(range);
    return new Map(entries.map((entry) => [clockOf(entry) ?? 0, entry.value]));
  } catch {
    // One bad block ends an iteration: ask for every record on its own, so that the rest is not lost with it.
    const last = await readNextClock(store, document);
    const updates = new Map<number, Uint8Array | null>();
    for (let clock = (await readFirstClock(store, document)) ?? 0; clock < last; clock++) {
      updates.set(clock, await readOne(store, updateKey(document, clock)));
    }
    return updates;
  }
}

async function readOne(store: LevelStore, key: Uint8Array): Promise<Uint8Array | null> {
  try {
    return (await store.getMany([key]))[0] ?? null;
  } catch {
    // Its block is unreadable: the record is reported as damaged by the caller.
    return null;
  }
}

/** Clock of the first record kept, undefined for an unknown document. */
export async function readFirstClock(store: LevelStore, document: string): Promise<number | undefined> {
  const [value] = await store.getMany([stateVectorKey(document)]);
  return value === undefined ? undefined : decodeStateVectorClock(value);
}

/** The clock that the document's next record gets. */
export async function readNextClock(store: LevelStore, document: string): Promise<number> {
  const [last] = await store.keys(updateRange(document), { reverse: true, limit: 1 });
  if (last !== undefined) return Number(decodeKey(last)[3]) + 1;
  const first = await readFirstClock(store, document);
  return first === undefined ? 0 : first + 1;
}

/** The clock in an update's key. */
export function clockOf(entry: StoreEntry | undefined): number | undefined {
  return entry === undefined ? undefined : Number(decodeKey(entry.key)[3]);
}

/** The document that records by clock amount to. */
export function assemble(
  records: ReadonlyMap<number, Uint8Array | null>,
  firstClock: number | undefined,
  metas: readonly StoreEntry[],
): LoggedDocument {
  const clocks = [...records.keys()];
  const lowest = clocks.at(0);
  const from = Math.min(firstClock ?? lowest ?? 0, lowest ?? firstClock ?? 0);
  const nextClock = clocks.length > 0 ? (clocks.at(-1) ?? 0) + 1 : firstClock === undefined ? 0 : firstClock + 1;
  const updates: Uint8Array[] = [];
  const damaged: number[] = [];
  for (let clock = from; clock < nextClock; clock++) {
    const update = records.get(clock);
    if (update && isReadableUpdate(update)) updates.push(update);
    else damaged.push(clock);
  }
  const meta = new Map<string, Uint8Array>();
  for (const { key, value } of metas) {
    const decoded = decodeMeta(value);
    if (decoded !== undefined) meta.set(String(decodeKey(key)[3]), decoded);
  }
  return { updates, nextClock, meta, damaged };
}
