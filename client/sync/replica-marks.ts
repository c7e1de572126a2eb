import { z } from 'zod';
import { type PersonEntry, personEntrySchema } from '../../sync-server/protocol/entry.ts';
import { type NackCode, nackCodeSchema, type StateVector } from '../../sync-server/protocol/frames.ts';
import { readJson, type Shelf, writeJson } from './device.ts';

const savedSchema = z.array(z.tuple([z.number(), z.number()]));
const refusalsSchema = z.object({
  refused: z.array(z.object({ code: nackCodeSchema, entry: personEntrySchema })),
  dropped: z.array(z.string()),
});
/** A refused entry, whole: the server has only an empty place in its stead, and that may reach this device first. */
type Refusal = z.infer<typeof refusalsSchema>['refused'][number];

/** A small store beside a document's copy on the device; y-indexeddb's fits. */
export interface MarkStore {
  get(key: string): Promise<unknown>;
  set(key: string, value: string): Promise<unknown>;
}

/**
 * What the server said about this device's entries, kept across reloads. What is saved can be asked for again; a refusal
 * is said once, so it is written down before anything else happens.
 */
export class ReplicaMarks {
  readonly #shelf: Shelf;
  readonly #refusalsKey: string;
  /** Clocks by client id: what lies below is durable. */
  readonly saved = new Map<number, number>();
  readonly #refused = new Map<string, Refusal>();
  readonly #dropped = new Set<string>();
  /** The server's store that `saved` speaks of; null before it was told. */
  #epoch: string | null = null;

  constructor(shelf: Shelf, userId: string, documentName: string) {
    this.#shelf = shelf;
    this.#refusalsKey = `daena/${userId}/refused/${documentName}`;
    const kept = refusalsSchema.safeParse(readJson(shelf, this.#refusalsKey)).data;
    for (const refusal of kept?.refused ?? []) this.#refused.set(refusal.entry.id, refusal);
    for (const id of kept?.dropped ?? []) this.#dropped.add(id);
  }

  /** Why the server refused an entry; undefined where it did not. */
  refusalOf(id: string): NackCode | undefined {
    return this.#refused.get(id)?.code;
  }

  /** The refused entries that are still shown. */
  get refusedEntries(): readonly PersonEntry[] {
    return [...this.#refused.values()].map(({ entry }) => entry);
  }

  /** Whether a refused entry was sent anew or given up, and is not shown any more. */
  isDropped(id: string): boolean {
    return this.#dropped.has(id);
  }

  refuse(entry: PersonEntry, code: NackCode): void {
    this.#refused.set(entry.id, { code, entry });
    this.#keepRefusals();
  }

  drop(id: string): void {
    this.#refused.delete(id);
    this.#dropped.add(id);
    this.#keepRefusals();
  }

  /** Notes which store the server has; after a restore from a backup, nothing is known to be saved any more. */
  meet(epoch: string): void {
    if (this.#epoch !== null && this.#epoch !== epoch) this.saved.clear();
    this.#epoch = epoch;
  }

  /** Moves clocks forward; answers whether any moved. */
  noteSaved(clocks: StateVector): boolean {
    let hasGrown = false;
    for (const [client, clock] of clocks) {
      if ((this.saved.get(client) ?? 0) >= clock) continue;
      this.saved.set(client, clock);
      hasGrown = true;
    }
    return hasGrown;
  }

  /** Adds what an earlier page kept. Rejects where the device cannot be read. */
  async read(store: MarkStore): Promise<void> {
    const [saved, epoch] = await Promise.all(
      (['saved', 'epoch'] as const).map(async (key) => parsed(await store.get(key))),
    );
    const known = z.string().safeParse(epoch);
    // Clocks of another store than the present one would show ticks that are not true.
    if (this.#epoch === null || this.#epoch === known.data) {
      this.noteSaved(new Map(savedSchema.safeParse(saved).data ?? []));
      this.#epoch ??= known.data ?? null;
    }
  }

  /** Rejects where the device has no room. */
  async write(store: MarkStore): Promise<void> {
    await store.set('saved', JSON.stringify([...this.saved]));
    await store.set('epoch', JSON.stringify(this.#epoch));
  }

  #keepRefusals(): void {
    writeJson(this.#shelf, this.#refusalsKey, { refused: [...this.#refused.values()], dropped: [...this.#dropped] });
  }
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return null;
  try {
    return JSON.parse(value);
  } catch {
    // Marks that cannot be read are marks that were never made: the server is asked again.
    return null;
  }
}
