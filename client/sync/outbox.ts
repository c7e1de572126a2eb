/**
 * What was just written, kept at once. IndexedDB writes a little later, and a tab may close before it does: until the
 * server has an entry, this holds it too, and a page that finds one here that nobody else has sends it.
 */
import { z } from 'zod';
import { type PersonEntry, personEntrySchema } from '../../sync-server/protocol/entry.ts';
import { readJson, type Shelf, writeJson } from './device.ts';

/** Entries of one document held at most; the oldest are long in IndexedDB by then. */
const MAX_HELD = 200;

export class Outbox {
  readonly #shelf: Shelf;
  readonly #key: string;
  readonly #held = new Map<string, PersonEntry>();

  constructor(shelf: Shelf, userId: string, documentName: string) {
    this.#shelf = shelf;
    this.#key = `daena/${userId}/outbox/${documentName}`;
    for (const entry of this.#stored()) this.#held.set(entry.id, entry);
  }

  get entries(): readonly PersonEntry[] {
    return [...this.#held.values()];
  }

  hold(entry: PersonEntry): void {
    this.#held.set(entry.id, entry);
    this.#change((stored) => [...stored, entry].slice(-MAX_HELD));
  }

  /** Lets entries go that the server has, or has refused. */
  release(ids: ReadonlySet<string>): void {
    if (ids.size === 0) return;
    for (const id of ids) this.#held.delete(id);
    this.#change((stored) => stored.filter(({ id }) => !ids.has(id)));
  }

  /** Another tab may have changed what is stored, so it is read before each change. */
  #change(change: (stored: readonly PersonEntry[]) => readonly PersonEntry[]): void {
    const next = change(this.#stored());
    if (next.length === 0) this.#shelf.removeItem(this.#key);
    else writeJson(this.#shelf, this.#key, next);
  }

  #stored(): readonly PersonEntry[] {
    const parsed = z.array(personEntrySchema).safeParse(readJson(this.#shelf, this.#key));
    return parsed.success ? parsed.data : [];
  }
}
