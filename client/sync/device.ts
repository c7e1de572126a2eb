import { makeUlid, ULID_RANDOM_BYTES, type Ulid } from '../../sync-server/protocol/ids.ts';

/** A key-value shelf that survives reloads where the browser allows it. */
export interface Shelf {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** What this browser, at this origin, can do. `gaps` are sentences for a person; empty where nothing is missing. */
export interface Device {
  readonly shelf: Shelf;
  readonly hasIndexedDb: boolean;
  readonly canWorkOffline: boolean;
  readonly gaps: readonly string[];
}

class MemoryShelf implements Shelf {
  readonly #values = new Map<string, string>();
  getItem(key: string): string | null {
    return this.#values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.#values.set(key, value);
  }
  removeItem(key: string): void {
    this.#values.delete(key);
  }
}

function openShelf(view: Window): Shelf | null {
  try {
    const shelf = view.localStorage;
    shelf.setItem('daena/probe', '1');
    shelf.removeItem('daena/probe');
    return shelf;
  } catch {
    // Browsers throw where a person forbade storage; drafts then live as long as the tab, and the banner says so.
    return null;
  }
}

export function inspectDevice(view: Window & typeof globalThis): Device {
  const shelf = openShelf(view);
  const hasIndexedDb = 'indexedDB' in view && view.indexedDB !== null;
  const canWorkOffline = view.isSecureContext && 'serviceWorker' in view.navigator;
  const gaps = [
    ...(shelf === null ? ['Drafts last only until this tab closes, because this browser forbids storage.'] : []),
    ...(hasIndexedDb ? [] : ['Unsent messages last only until this tab closes, because this browser has no database.']),
    ...(view.isSecureContext
      ? []
      : ['This address is not secure (no HTTPS), so the office opens only while it can be reached.']),
  ];
  return { shelf: shelf ?? new MemoryShelf(), hasIndexedDb, canWorkOffline, gaps };
}

/** A new ULID; needs no secure context. */
export function newUlid(nowMs: number): Ulid {
  return makeUlid(nowMs, crypto.getRandomValues(new Uint8Array(ULID_RANDOM_BYTES)));
}

/** JSON under a key; null where there is none or it is unreadable. */
export function readJson(shelf: Shelf, key: string): unknown {
  try {
    return JSON.parse(shelf.getItem(key) ?? 'null');
  } catch {
    // What cannot be read is what was never written: the office is asked again.
    return null;
  }
}

/** Keeps a copy on the device. Answers false where there is no room: the copy is only for going offline. */
export function writeJson(shelf: Shelf, key: string, value: unknown): boolean {
  try {
    shelf.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
