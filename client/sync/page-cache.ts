import { z } from 'zod';

/** Pages of one session kept on a device, and of all sessions together; those used longest ago go first. */
export const MAX_PAGES_PER_SESSION = 40;
export const MAX_PAGES = 400;

/** A page as the office sent it. `entries` is still to be read: a newer office may have written it. */
export interface CachedPage {
  readonly segment: number;
  readonly entries: readonly unknown[];
  /** What the office calls this state of the page; null where it has not said. */
  readonly etag: string | null;
}

/** Pages kept on the device. Never rejects: a device that keeps nothing answers null, and the office is asked. */
export interface PageCache {
  get(sessionId: string, segment: number): Promise<CachedPage | null>;
  put(sessionId: string, page: CachedPage): Promise<void>;
  /** Forgets a session's pages, for when it may not be read any more. */
  purge(sessionId: string): Promise<void>;
}

const rowSchema = z.object({
  session: z.string(),
  segment: z.number(),
  entries: z.array(z.unknown()),
  etag: z.string().nullable(),
  usedAt: z.number(),
});
export type PageUse = Pick<z.infer<typeof rowSchema>, 'session' | 'segment' | 'usedAt'>;

/** The pages to forget so that the bounds hold, given every page kept. */
export function surplus(uses: readonly PageUse[]): readonly PageUse[] {
  const newestFirst = uses.toSorted((a, b) => b.usedAt - a.usedAt);
  const perSession = new Map<string, number>();
  const kept = newestFirst.filter(({ session }) => {
    const count = (perSession.get(session) ?? 0) + 1;
    perSession.set(session, count);
    return count <= MAX_PAGES_PER_SESSION;
  });
  const isKept = new Set(kept.slice(0, MAX_PAGES));
  return newestFirst.filter((use) => !isKept.has(use));
}

const PAGES = 'pages';
/** [session, segment, usedAt]: the bounds are kept without reading a page. */
const BY_USE = 'use';

const done = <Value>(request: IDBRequest<Value>): Promise<Value> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the device refused'));
  });

/** Pages in IndexedDB, in a database of each person's own. */
export class IndexedDbPageCache implements PageCache {
  readonly #name: string;
  #opening: Promise<IDBDatabase> | undefined;

  constructor(userId: string) {
    this.#name = `daena/${userId}/pages`;
  }

  async get(sessionId: string, segment: number): Promise<CachedPage | null> {
    try {
      const store = await this.#store('readwrite');
      const row = rowSchema.safeParse(await done<unknown>(store.get([sessionId, segment])));
      if (!row.success) return null;
      await done(store.put({ ...row.data, usedAt: Date.now() }));
      return { segment, entries: row.data.entries, etag: row.data.etag };
    } catch {
      // A copy that cannot be read is a copy that was never made.
      return null;
    }
  }

  async put(sessionId: string, { segment, entries, etag }: CachedPage): Promise<void> {
    try {
      const store = await this.#store('readwrite');
      await done(store.put({ session: sessionId, segment, entries, etag, usedAt: Date.now() }));
      const keys = z.array(z.tuple([z.string(), z.number(), z.number()])).parse(await this.#uses(store));
      for (const use of surplus(keys.map(([session, of, usedAt]) => ({ session, segment: of, usedAt })))) {
        await done(store.delete([use.session, use.segment]));
      }
    } catch {
      // No room: this page is read again from the office.
    }
  }

  async purge(sessionId: string): Promise<void> {
    try {
      const store = await this.#store('readwrite');
      await done(store.delete(IDBKeyRange.bound([sessionId], [sessionId, []])));
    } catch {
      // The device's database is not there, and so neither are the pages.
    }
  }

  /** The keys of the index by use. */
  #uses(store: IDBObjectStore): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const keys: unknown[] = [];
      const request = store.index(BY_USE).openKeyCursor();
      request.onerror = () => reject(request.error ?? new Error('the device refused'));
      request.onsuccess = () => {
        const cursor = request.result;
        if (cursor === null) return resolve(keys);
        keys.push(cursor.key);
        cursor.continue();
      };
    });
  }

  async #store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    const database = await this.#opening;
    return database.transaction(PAGES, mode).objectStore(PAGES);
  }

  async #open(): Promise<IDBDatabase> {
    const request = indexedDB.open(this.#name, 1);
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore(PAGES, { keyPath: ['session', 'segment'] });
      store.createIndex(BY_USE, ['session', 'segment', 'usedAt']);
    };
    const database = await done(request);
    // A browser may close it by itself; the next use opens it again.
    const forget = () => {
      this.#opening = undefined;
    };
    database.onclose = forget;
    database.onversionchange = () => {
      database.close();
      forget();
    };
    return database;
  }
}
