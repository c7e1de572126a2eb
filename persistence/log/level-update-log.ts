import * as Y from 'yjs';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import { copyStore } from './copy-store.ts';
import { type Committed, GroupCommit, storageError } from './group-commit.ts';
import {
  DIRTY_RANGE,
  decodeKey,
  dirtyKey,
  encodeClock,
  encodeMeta,
  encodeStateVectorValue,
  metaKey,
  metaRange,
  oldKey,
  oldRange,
  STATE_VECTOR_RANGE,
  stateVectorKey,
  updateKey,
  updateRange,
} from './level-keys.ts';
import { assemble, clockOf, readFirstClock, readNextClock, readUpdates } from './level-records.ts';
import { type LevelStore, openLevelStore, type StoreChange } from './level-store.ts';
import { lacksStructsOf } from './update-checks.ts';
import type { LoggedDocument, LogRecord, UpdateLog } from './update-log.ts';

/** Documents whose next clock is kept in memory; those forgotten are read from the disk again. */
const MAX_KNOWN_CLOCKS = 20_000;

/** `power-cut`: every batch is synced to the disk. `process`: survives the death of the process, not of the machine. */
type Durability = 'power-cut' | 'process';

export interface LevelUpdateLogOptions {
  readonly durability?: Durability;
  /** How the folder is opened; tests put a failing disk here. */
  readonly openStore?: (folder: string) => Promise<LevelStore>;
}

interface PendingRecord {
  readonly document: string;
  readonly record: LogRecord;
  readonly sizeBytes: number;
}

/**
 * Opens the log in a folder. One process at a time: a second opener is refused with `conflict`.
 * Rejects with `storage` where the folder cannot be used.
 */
export async function openLevelUpdateLog(folder: string, options: LevelUpdateLogOptions = {}): Promise<UpdateLog> {
  const openStore = options.openStore ?? openLevelStore;
  const open = () => openStore(folder);
  const store = await open();
  const dirty = await readable(() => readDirty(store));
  return new LevelUpdateLog({ store, open, dirty, sync: (options.durability ?? 'power-cut') === 'power-cut' });
}

/** Documents that the projection may lack something of, each with the clock of its last record. */
async function readDirty(store: LevelStore): Promise<Map<string, number>> {
  const dirty = new Map<string, number>();
  for (const key of await store.keys(DIRTY_RANGE)) {
    const document = String(decodeKey(key)[2]);
    dirty.set(document, (await readNextClock(store, document)) - 1);
  }
  return dirty;
}

/**
 * The log on LevelDB. All writing runs in one line (`GroupCommit.exclusive`), so clocks are given where the batch is
 * made; reading goes beside it on LevelDB's snapshots.
 *
 * After a failed batch LevelDB itself does not know whether the batch will be there when the folder is next opened, and
 * its file may end in a torn record. So before anything else is written: remember what the batch's keys held, close the
 * folder, open it again (which cuts the torn end off), and put the keys back.
 */
class LevelUpdateLog implements UpdateLog {
  readonly #open: () => Promise<LevelStore>;
  readonly #sync: boolean;
  readonly #commits = new GroupCommit<PendingRecord>((batch) => this.#commit(batch));
  readonly #nextClocks = new Map<string, number>();
  /** As the store has them: what is dirty already need not be marked again with each record. */
  readonly #dirty: Map<string, number>;
  /** Clocks to mark as projected, by document: the queue of `#marking`, which is bounded by the documents there are. */
  readonly #marks = new Map<string, number>();
  #marking: Promise<void> | null = null;
  #store: LevelStore | null;
  #doubtful: readonly Uint8Array[] = [];
  #undo: readonly StoreChange[] | null = null;
  #isClosed = false;
  #closing: Promise<void> | null = null;

  constructor(parts: {
    store: LevelStore;
    open: () => Promise<LevelStore>;
    dirty: Map<string, number>;
    sync: boolean;
  }) {
    this.#store = parts.store;
    this.#open = parts.open;
    this.#dirty = parts.dirty;
    this.#sync = parts.sync;
  }

  append(record: LogRecord): Promise<number> {
    let sizeBytes = record.update.length;
    for (const value of record.meta?.values() ?? []) sizeBytes += value.length;
    return this.#commits.add({ document: record.document, record, sizeBytes });
  }

  read(document: string): Promise<LoggedDocument> {
    return readable(async () => {
      const store = this.#usable();
      let updates = await readUpdates(store, document);
      // The first kept clock is read after the updates: a compaction in between can then only raise it, which reports nothing.
      const first = await readFirstClock(store, document);
      if (updates.size === 0 && first !== undefined) updates = await readUpdates(store, document);
      const metas = await store.entries(metaRange(document));
      return assemble(updates, first, metas);
    });
  }

  dirty(): Promise<readonly string[]> {
    return readable(async () => [...(await readDirty(this.#usable())).keys()]);
  }

  documents(): Promise<readonly string[]> {
    return readable(async () =>
      (await this.#usable().keys(STATE_VECTOR_RANGE)).map((key) => String(decodeKey(key)[1])),
    );
  }

  markProjected(document: string, throughClock: number): Promise<void> {
    this.#marks.set(document, Math.max(throughClock, this.#marks.get(document) ?? throughClock));
    // One job for all that a projection marks at once: appends wait in the same line.
    this.#marking ??= this.#commits.exclusive(async () => {
      this.#marking = null;
      const projected = [...this.#marks].filter(([marked, clock]) => clock >= (this.#dirty.get(marked) ?? Infinity));
      this.#marks.clear();
      if (projected.length === 0) return;
      const store = await this.#recovered();
      const changes = projected.map(([marked]): StoreChange => ({ type: 'del', key: dirtyKey(marked) }));
      await this.#write(store, changes, false);
      for (const [marked] of projected) this.#dirty.delete(marked);
    });
    return this.#marking;
  }

  compact(document: string, throughClock: number, merged: Uint8Array): Promise<void> {
    return this.#commits.exclusive(async () => {
      const store = await this.#recovered();
      const replaced = await store.entries(updateRange(document, 0, throughClock));
      if (clockOf(replaced.at(-1)) !== throughClock) {
        throw new OfficeError('conflict', `The log of ${document} does not reach clock ${throughClock}.`);
      }
      const first = (await readFirstClock(store, document)) ?? 0;
      if (replaced.length < throughClock - first + 1) {
        throw new OfficeError('conflict', `${document} cannot be compacted: a record is missing.`);
      }
      const lacking = lacksStructsOf(
        merged,
        replaced.map(({ value }) => value),
      );
      if (lacking !== undefined) throw new OfficeError('conflict', `${document} cannot be compacted: ${lacking}.`);
      const older = await store.keys(oldRange(document));
      const stateVector = Y.encodeStateVectorFromUpdate(merged);
      await this.#write(
        store,
        [
          ...older.map((key): StoreChange => ({ type: 'del', key })),
          ...replaced.flatMap((entry): StoreChange[] => [
            { type: 'put', key: oldKey(document, clockOf(entry) ?? 0), value: entry.value },
            { type: 'del', key: entry.key },
          ]),
          { type: 'put', key: updateKey(document, throughClock), value: merged },
          { type: 'put', key: stateVectorKey(document), value: encodeStateVectorValue(throughClock, stateVector) },
        ],
        true,
      );
    });
  }

  reopen(document: string): Promise<void> {
    return this.#commits.exclusive(async () => {
      await this.#recovered();
      this.#nextClocks.delete(document);
      this.#commits.reopen(document);
    });
  }

  async copyTo(folder: string, signal: AbortSignal): Promise<void> {
    try {
      await copyStore(this.#usable(), folder, signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw storageError('The log cannot be copied.', cause);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#commits.drain().then(async () => {
      try {
        if (this.#doubtful.length > 0) await this.#recovered();
      } finally {
        this.#isClosed = true;
        const store = this.#store;
        this.#store = null;
        await store?.close();
      }
    });
    return this.#closing;
  }

  async #commit(batch: readonly PendingRecord[]): Promise<readonly Committed[]> {
    const store = await this.#recovered();
    const clocks = await this.#clocksFor(store, batch);
    const changes: StoreChange[] = [];
    const newlyDirty = new Map<string, number>();
    const outcomes = batch.map(({ document, record }): Committed => {
      const clock = clocks.get(document);
      if (typeof clock !== 'number') return clock ?? storageError(`The log of ${document} cannot be read.`);
      try {
        changes.push(...changesOf(record, clock));
        if (!this.#dirty.has(document) && !newlyDirty.has(document)) newlyDirty.set(document, clock);
      } catch (cause) {
        // Later records of this document rest on the refused one, so they are refused in this batch too.
        const error = new OfficeError('internal', `A change of ${document} is no Yjs update.`, { cause });
        clocks.set(document, error);
        return error;
      }
      clocks.set(document, clock + 1);
      return clock;
    });
    for (const [document, clock] of newlyDirty) {
      changes.push({ type: 'put', key: dirtyKey(document), value: encodeClock(clock) });
    }
    if (changes.length > 0) await this.#write(store, changes, this.#sync);
    for (const [document, clock] of clocks) {
      if (typeof clock !== 'number') continue;
      this.#remember(document, clock);
      this.#dirty.set(document, clock - 1);
    }
    return outcomes;
  }

  /** The next clock of each document in the batch, or why it is not known. */
  async #clocksFor(store: LevelStore, batch: readonly PendingRecord[]): Promise<Map<string, number | OfficeError>> {
    const clocks = new Map<string, number | OfficeError>();
    const documents = [...new Set(batch.map(({ document }) => document))];
    await Promise.all(
      documents.map(async (document) => {
        try {
          clocks.set(document, this.#nextClocks.get(document) ?? (await readNextClock(store, document)));
        } catch (cause) {
          clocks.set(document, storageError(`The log of ${document} cannot be read.`, cause));
        }
      }),
    );
    return clocks;
  }

  #remember(document: string, nextClock: number): void {
    this.#nextClocks.delete(document);
    this.#nextClocks.set(document, nextClock);
    if (this.#nextClocks.size <= MAX_KNOWN_CLOCKS) return;
    const [oldest] = this.#nextClocks.keys();
    if (oldest !== undefined) this.#nextClocks.delete(oldest);
  }

  async #write(store: LevelStore, changes: readonly StoreChange[], sync: boolean): Promise<void> {
    try {
      await store.write(changes, { sync });
    } catch (cause) {
      this.#doubtful = changes.map(({ key }) => key);
      throw storageError('A change could not be saved: the disk refused it.', cause);
    }
  }

  /** The store, after undoing a batch that failed. Runs only inside `exclusive`; what it did is kept if it fails half way. */
  async #recovered(): Promise<LevelStore> {
    if (this.#doubtful.length === 0 && this.#store !== null) return this.#store;
    if (this.#isClosed) throw closedError();
    try {
      if (this.#undo === null) this.#undo = await before(this.#usable(), this.#doubtful);
      const failed = this.#store;
      this.#store = null;
      await failed?.close();
      const store = await this.#open();
      this.#store = store;
      await store.write(this.#undo, { sync: true });
      this.#undo = null;
      this.#doubtful = [];
      return store;
    } catch (cause) {
      throw storageError('The log is waiting for its disk.', cause);
    }
  }

  #usable(): LevelStore {
    if (this.#isClosed) throw closedError();
    if (this.#store === null)
      throw new OfficeError('storage', 'The log is waiting for its disk.', { retryAfterSeconds: 5 });
    return this.#store;
  }
}

const closedError = () => new OfficeError('restarting', 'The log is closed.');

/** What a record puts into the batch; throws where a document's first update cannot be read. */
function changesOf(record: LogRecord, clock: number): readonly StoreChange[] {
  const { document, update, meta } = record;
  const changes: StoreChange[] = [{ type: 'put', key: updateKey(document, clock), value: update }];
  if (clock === 0) {
    const value = encodeStateVectorValue(0, Y.encodeStateVectorFromUpdate(update));
    changes.push({ type: 'put', key: stateVectorKey(document), value });
  }
  for (const [key, value] of meta ?? []) {
    changes.push({ type: 'put', key: metaKey(document, key), value: encodeMeta(value) });
  }
  return changes;
}

/** Changes that give the keys what they hold now. */
async function before(store: LevelStore, keys: readonly Uint8Array[]): Promise<readonly StoreChange[]> {
  const values = await store.getMany(keys);
  return keys.map((key, index): StoreChange => {
    const value = values[index];
    return value === undefined ? { type: 'del', key } : { type: 'put', key, value };
  });
}

async function readable<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (cause) {
    throw storageError('The log cannot be read.', cause);
  }
}
