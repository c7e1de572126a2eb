/**
 * A room's Yjs document with what the log says of it: who its client ids belong to, and which changes were refused.
 */
import * as Y from 'yjs';
import type { UpdateLog } from '../../persistence/log/update-log.ts';
import { OfficeError } from '../protocol/errors.ts';
import { type Nack, nackSchema } from '../protocol/frames.ts';

/** Principal id that the server's own client ids are bound to. */
export const OFFICE_PRINCIPAL = 'office';
/** Refusals that a document remembers, newest last: enough for devices that were away. */
export const MAX_REFUSALS_KEPT = 500;

const BINDING = 'c:';
const REFUSAL = 'n:';

export interface StoredRefusal {
  readonly principal: string;
  readonly nack: Nack;
}

export interface LoadedDocument {
  readonly doc: Y.Doc;
  readonly owners: Map<number, string>;
  readonly refusals: StoredRefusal[];
  /** Clock of the newest record; -1 where there is none. */
  readonly lastClock: number;
  readonly recordCount: number;
  /** Set where the log is damaged: the document can be read, not written. */
  readonly damage: string | null;
}

/** Reads a document from the log. Rejects with `storage` where the disk cannot be read. */
export async function loadDocument(log: Pick<UpdateLog, 'read'>, name: string): Promise<LoadedDocument> {
  const { updates, nextClock, meta, damaged } = await log.read(name);
  const doc = new Y.Doc();
  try {
    doc.transact(() => {
      for (const update of updates) Y.applyUpdate(doc, update);
    });
  } catch (error) {
    doc.destroy();
    throw new OfficeError('storage', `the log of ${name} cannot be replayed`, { cause: error });
  }
  const isPending = hasPending(doc);
  const reasons = [
    damaged.length > 0 ? `records ${damaged.slice(0, 5).join(', ')} are unreadable` : '',
    isPending ? 'changes are missing' : '',
  ].filter((reason) => reason !== '');
  return {
    doc,
    ...readMeta(meta),
    lastClock: nextClock - 1,
    recordCount: updates.length,
    damage: reasons.length > 0 ? reasons.join('; ') : null,
  };
}

/** Whether a document waits for changes that it lacks. */
export const hasPending = (doc: Y.Doc): boolean => doc.store.pendingStructs !== null || doc.store.pendingDs !== null;

function readMeta(meta: ReadonlyMap<string, Uint8Array>): { owners: Map<number, string>; refusals: StoredRefusal[] } {
  const owners = new Map<number, string>();
  const refusals: StoredRefusal[] = [];
  const text = new TextDecoder();
  for (const [key, value] of meta) {
    if (key.startsWith(BINDING)) owners.set(Number(key.slice(BINDING.length)), text.decode(value));
    if (key.startsWith(REFUSAL)) {
      const stored: unknown = JSON.parse(text.decode(value));
      if (typeof stored !== 'object' || stored === null || !('principal' in stored) || !('nack' in stored)) continue;
      refusals.push({ principal: String(stored.principal), nack: nackSchema.parse(stored.nack) });
    }
  }
  refusals.sort((a, b) => a.nack.time - b.nack.time);
  return { owners, refusals: refusals.slice(-MAX_REFUSALS_KEPT) };
}

/** What a record says besides its update: whom new client ids belong to, and what was refused. */
export function writeMeta(
  bindings: ReadonlyMap<number, string>,
  refusals: readonly StoredRefusal[],
): ReadonlyMap<string, Uint8Array> {
  const text = new TextEncoder();
  return new Map([
    ...[...bindings].map(([client, principal]) => [`${BINDING}${client}`, text.encode(principal)] as const),
    ...refusals.map(
      (refusal) =>
        [`${REFUSAL}${refusal.nack.client}.${refusal.nack.clock}`, text.encode(JSON.stringify(refusal))] as const,
    ),
  ]);
}
