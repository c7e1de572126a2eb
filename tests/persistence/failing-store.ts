import { type LevelStore, openLevelStore } from '../../persistence/log/level-store.ts';

/** Awaited before every write of a store: holds it while pending, fails it by rejecting. */
export type BeforeWrite = () => Promise<void>;

/** Opens real stores whose writes first ask `beforeWrite`. */
export function openStoreWith(beforeWrite: BeforeWrite): (folder: string) => Promise<LevelStore> {
  return async (folder) => {
    const store = await openLevelStore(folder);
    return {
      ...store,
      write: async (changes, options) => {
        await beforeWrite();
        await store.write(changes, options);
      },
    };
  };
}
