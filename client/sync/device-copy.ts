import { deleteDB } from 'lib0/indexeddb';
import { IndexeddbPersistence } from 'y-indexeddb';
import type * as Y from 'yjs';
import type { MarkStore } from './replica-marks.ts';

/**
 * A document's copy in this device's database, shared by the tabs that have the document open. Each of them holds a lock
 * on it, so that nobody throws away what another tab still writes to.
 */
export class DeviceCopy {
  readonly #storage: IndexeddbPersistence;
  readonly #name: string;
  readonly #inUse = Promise.withResolvers<void>();
  readonly #unlocked: Promise<unknown>;

  constructor(name: string, doc: Y.Doc) {
    this.#name = name;
    this.#storage = new IndexeddbPersistence(name, doc);
    // Insecure pages have no locks: there a copy is never thrown away.
    this.#unlocked = locks()?.request(name, { mode: 'shared' }, () => this.#inUse.promise) ?? this.#inUse.promise;
  }

  /** Resolves once what is kept is in the document; never where the database does not open. */
  get whenRead(): Promise<unknown> {
    return this.#storage.whenSynced;
  }

  /** For small notes beside the copy; null while the database is not open. */
  get marks(): MarkStore | null {
    return this.#storage.db === null ? null : this.#storage;
  }

  /** Call before the document is destroyed. Rejects where the database fails. */
  async close(): Promise<void> {
    this.#inUse.resolve();
    await this.#storage.destroy();
  }

  /** Closes it and throws it away, unless another tab has it open. Rejects where the database fails. */
  async forget(): Promise<void> {
    await this.close();
    await this.#unlocked;
    await locks()?.request(this.#name, { mode: 'exclusive', ifAvailable: true }, async (lock) => {
      if (lock !== null) await deleteDB(this.#name);
    });
  }
}

const locks = (): LockManager | undefined => ('locks' in navigator ? navigator.locks : undefined);
