import { z } from 'zod';
import { type NackCode, nackCodeSchema, type StateVector } from '../../sync-server/protocol/frames.ts';

const savedSchema = z.array(z.tuple([z.number(), z.number()]));
const refusedSchema = z.array(z.tuple([z.string(), nackCodeSchema]));
const droppedSchema = z.array(z.string());

/** A small store beside a document's copy on the device; y-indexeddb's fits. */
export interface MarkStore {
  get(key: string): Promise<unknown>;
  set(key: string, value: string): Promise<unknown>;
}

/** What the server said about this device's entries, kept across reloads. */
export class ReplicaMarks {
  /** Clocks by client id: what lies below is durable. */
  readonly saved = new Map<number, number>();
  /** Entries that the server refused, and why. */
  readonly refused = new Map<string, NackCode>();
  /** Refused entries that were sent anew or given up: not shown any more. */
  readonly dropped = new Set<string>();
  /** The server's store that `saved` speaks of; null before it was told. */
  #epoch: string | null = null;

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
    const [saved, refused, dropped, epoch] = await Promise.all(
      (['saved', 'refused', 'dropped', 'epoch'] as const).map(async (key) => parsed(await store.get(key))),
    );
    const known = z.string().safeParse(epoch);
    // Clocks of another store than the present one would show ticks that are not true.
    if (this.#epoch === null || this.#epoch === known.data) {
      this.noteSaved(new Map(savedSchema.safeParse(saved).data ?? []));
      this.#epoch ??= known.data ?? null;
    }
    for (const [id, code] of refusedSchema.safeParse(refused).data ?? []) this.refused.set(id, code);
    for (const id of droppedSchema.safeParse(dropped).data ?? []) this.dropped.add(id);
  }

  /** Rejects where the device has no room. */
  async write(store: MarkStore): Promise<void> {
    await store.set('saved', JSON.stringify([...this.saved]));
    await store.set('refused', JSON.stringify([...this.refused]));
    await store.set('dropped', JSON.stringify([...this.dropped]));
    await store.set('epoch', JSON.stringify(this.#epoch));
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
