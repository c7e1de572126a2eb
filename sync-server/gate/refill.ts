/**
 * What a damaged document may still take: what its log once had. The log has lost records, so the document ends at the gap
 * for their client ids; the devices that wrote them still hold them, and send them when the room says where it ends.
 *
 *     in the document ──┤ lost │ held back by the gap ├── new: not taken, its device keeps it
 */
import * as Y from 'yjs';
import type { DecodedUpdate, Struct } from './update-structs.ts';

export interface RefillContext {
  /** The document's next clock of a client id. */
  clockOf(client: number): number;
  /** Whether the log says that this client id is the sender's. */
  isBoundToSender(client: number): boolean;
  /** Whether the database knows exactly this entry of this document, and the document lacks it. */
  isLostEntry(id: string, value: unknown): boolean;
}

/**
 * The part of an update that a damaged document lacks and once had: from its clock on what lies before something that the
 * gap holds back, or is an entry that the database knows word for word. Null where there is none. Deletions are left out:
 * devices tell of them in every handshake. What is answered has yet to pass the gate.
 */
export function refillOf(doc: Y.Doc, update: DecodedUpdate, context: RefillContext): DecodedUpdate | null {
  const heldBack = heldBackEnds(doc);
  const byClient = new Map<number, readonly Struct[]>();
  for (const [client, structs] of update.byClient) {
    if (!context.isBoundToSender(client)) continue;
    const from = context.clockOf(client);
    const unknown = structs.filter((struct) => struct.id.clock + struct.length > from);
    const firstNew = unknown.findIndex(
      (struct) => struct.id.clock >= (heldBack.get(client) ?? 0) && !isLostEntry(struct, context),
    );
    const lost = firstNew < 0 ? unknown : unknown.slice(0, firstNew);
    if (lost.length > 0) byClient.set(client, lost);
  }
  return byClient.size > 0 ? { byClient, deleted: [] } : null;
}

function isLostEntry(struct: Struct, context: RefillContext): boolean {
  if (!(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentAny) || struct.parentSub === null)
    return false;
  return context.isLostEntry(struct.parentSub, struct.content.arr[0]);
}

/** Where the changes end that the document holds back, by client id. */
function heldBackEnds(doc: Y.Doc): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  const pending = doc.store.pendingStructs;
  if (!pending) return ends;
  for (const struct of Y.decodeUpdateV2(pending.update).structs) {
    if (struct instanceof Y.Skip) continue;
    ends.set(struct.id.client, Math.max(ends.get(struct.id.client) ?? 0, struct.id.clock + struct.length));
  }
  return ends;
}
