import * as Y from 'yjs';
import {
  dirtyKey,
  encodeClock,
  encodeMeta,
  encodeStateVectorValue,
  metaKey,
  metaRange,
  oldRange,
  stateVectorKey,
  updateKey,
} from './level-keys.ts';
import { assemble, readFirstClock, readNextClock, readUpdates } from './level-records.ts';
import type { LevelStore, StoreChange } from './level-store.ts';
import { isReadableUpdate } from './update-checks.ts';
import type { LoggedDocument } from './update-log.ts';

export interface SalvagedDocument extends LoggedDocument {
  /** What the last compaction replaced, as far as it is readable: the same changes once more. */
  readonly older: readonly Uint8Array[];
}

/** Everything of a document that a store still holds. For a log that nobody has open. */
export async function salvageDocument(store: LevelStore, document: string): Promise<SalvagedDocument> {
  const updates = await readUpdates(store, document);
  const first = await readFirstClock(store, document);
  const logged = assemble(updates, first, await store.entries(metaRange(document)));
  const older = (await store.entries(oldRange(document))).map(({ value }) => value).filter(isReadableUpdate);
  return { ...logged, older };
}

/**
 * Replaces all records of a document, those that cannot be read included, by one, in one synced batch. What is lost is
 * lost then: for a log that nobody has open, and only where somebody accepted that. The record gets a clock that is higher
 * than any before it, and the document is dirty.
 * @param projectedThrough the projection's watermark: it may know of clocks that the log has lost
 */
export async function replaceRecords(
  store: LevelStore,
  document: string,
  record: { readonly update: Uint8Array; readonly meta: ReadonlyMap<string, Uint8Array> },
  projectedThrough: number,
): Promise<void> {
  const first = (await readFirstClock(store, document)) ?? 0;
  const next = await readNextClock(store, document);
  const clock = Math.max(next, projectedThrough + 1);
  const stateVector = Y.encodeStateVectorFromUpdate(record.update);
  const changes: StoreChange[] = [];
  // By number: their keys need not be readable.
  for (let old = Math.min(first, next); old < next; old++) changes.push({ type: 'del', key: updateKey(document, old) });
  changes.push(
    { type: 'put', key: updateKey(document, clock), value: record.update },
    { type: 'put', key: stateVectorKey(document), value: encodeStateVectorValue(clock, stateVector) },
    { type: 'put', key: dirtyKey(document), value: encodeClock(clock) },
  );
  for (const [key, value] of record.meta) {
    changes.push({ type: 'put', key: metaKey(document, key), value: encodeMeta(value) });
  }
  await store.write(changes, { sync: true });
}
