import { dirtyKey, encodeClock, readUpdateKey, WHOLE_RANGE } from './level-keys.ts';
import { type LevelStore, openLevelStore, type StoreChange } from './level-store.ts';

/**
 * Copies a store as it is at this moment into a new one in an empty folder, with every document marked dirty through
 * its last record. Synced when it resolves. Rejects with the signal's reason, or with what the disks said.
 */
export async function copyStore(from: LevelStore, folder: string, signal: AbortSignal): Promise<void> {
  const to = await openLevelStore(folder);
  try {
    const lastClocks = new Map<string, number>();
    for await (const entries of from.parts(WHOLE_RANGE)) {
      signal.throwIfAborted();
      for (const { key } of entries) {
        const update = readUpdateKey(key);
        if (update) lastClocks.set(update.document, update.clock);
      }
      await to.write(
        entries.map(({ key, value }): StoreChange => ({ type: 'put', key, value })),
        { sync: false },
      );
    }
    const marks = [...lastClocks].map(
      ([document, clock]): StoreChange => ({ type: 'put', key: dirtyKey(document), value: encodeClock(clock) }),
    );
    // LevelDB's journal is one file in order: syncing its end syncs what was written before.
    await to.write(marks, { sync: true });
  } finally {
    await to.close();
  }
}
