import { mkdir } from 'node:fs/promises';
import { Level } from 'level';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import type { KeyRange } from './level-keys.ts';

export interface StoreEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type StoreChange =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

interface RangeOptions {
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Entries in one part of a range; LevelDB ends a part earlier, at 16 KiB. */
const PART_ENTRIES = 512;

/** The few things that the log asks of an ordered key-value store; the seam at which tests make a disk fail. */
export interface LevelStore {
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** One consistent view of a range, in key order. */
  entries(range: KeyRange, options?: RangeOptions): Promise<readonly StoreEntry[]>;
  keys(range: KeyRange, options?: RangeOptions): Promise<readonly Uint8Array[]>;
  /** A range in key order, as it is when the reading begins, whatever is written meanwhile; a bounded part at a time. */
  parts(range: KeyRange): AsyncIterable<readonly StoreEntry[]>;
  /** All or nothing; with `sync`, on the disk when it resolves. */
  write(changes: readonly StoreChange[], options: { readonly sync: boolean }): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the folder, made where it is missing.
 * Rejects with `conflict` where another process has it open, with `storage` where it cannot be read or written.
 */
export async function openLevelStore(folder: string): Promise<LevelStore> {
  const db = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' });
  try {
    await mkdir(folder, { recursive: true });
    await db.open();
  } catch (error) {
    if (hasCode(error, 'LEVEL_LOCKED')) {
      throw new OfficeError('conflict', `The log in ${folder} is already open in another process.`, { cause: error });
    }
    throw new OfficeError('storage', `The log in ${folder} cannot be opened: ${reasonOf(error)}.`, { cause: error });
  }
  return {
    getMany: (keys) => db.getMany([...keys]),
    entries: async (range, options) =>
      (await db.iterator({ ...range, ...options }).all()).map(([key, value]) => ({ key, value })),
    keys: (range, options) => db.keys({ ...range, ...options }).all(),
    parts: (range) => parts(db, range),
    write: (changes, options) => db.batch([...changes], options),
    close: () => db.close(),
  };
}

async function* parts(db: Level<Uint8Array, Uint8Array>, range: KeyRange): AsyncGenerator<readonly StoreEntry[]> {
  // LevelDB's iterators read from a snapshot taken when they are made.
  const iterator = db.iterator(range);
  try {
    for (;;) {
      const entries = await iterator.nextv(PART_ENTRIES);
      if (entries.length === 0) return;
      yield entries.map(([key, value]) => ({ key, value }));
    }
  } finally {
    await iterator.close();
  }
}

/** Whether an error, or one that caused it, carries abstract-level's code. */
function hasCode(error: unknown, code: string): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if ('code' in at && at.code === code) return true;
  return false;
}

/** The innermost cause's words: abstract-level wraps them in "Database failed to open". */
function reasonOf(error: unknown): string {
  let reason = String(error);
  for (let at = error; at instanceof Error; at = at.cause) reason = at.message;
  return reason.replace(/\.$/, '');
}
