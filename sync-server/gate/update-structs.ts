/**
 * Updates taken apart and put together. The gate decides about structs; what it lets in is written anew from those
 * structs, so nothing that it did not look at can ride along.
 */
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';

export type Struct = Y.Item | Y.GC | Y.Skip;

export interface DeletedRange {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

export interface DecodedUpdate {
  /** Structs by client id, ascending clocks within each. */
  readonly byClient: ReadonlyMap<number, readonly Struct[]>;
  readonly deleted: readonly DeletedRange[];
}

/** A struct to write, without its first `offset` clocks (known already). */
export interface WrittenStruct {
  readonly struct: Y.Item | Y.GC;
  readonly offset: number;
}

/** Decodes without touching a document. Throws on bytes that are no update. */
export function decodeStructs(update: Uint8Array): DecodedUpdate {
  const { structs, ds } = Y.decodeUpdate(update);
  const byClient = new Map<number, Struct[]>();
  for (const struct of structs) {
    const list = byClient.get(struct.id.client);
    if (list) list.push(struct);
    else byClient.set(struct.id.client, [struct]);
  }
  const deleted: DeletedRange[] = [];
  for (const [client, ranges] of ds.clients) {
    for (const range of ranges) deleted.push({ client, clock: range.clock, length: range.len });
  }
  return { byClient, deleted };
}

/** What stands at `clock` of `client` for a change that was not taken: nothing, but the clock goes on. */
export const neutralStruct = (client: number, clock: number, length: number): WrittenStruct => ({
  struct: new Y.GC(Y.createID(client, clock), length),
  offset: 0,
});

/** Writes an update (version 1) of exactly these structs and deletions. Each list must be contiguous and not empty. */
export function encodeStructs(
  byClient: ReadonlyMap<number, readonly WrittenStruct[]>,
  deleted: readonly DeletedRange[],
): Uint8Array {
  const encoder = new Y.UpdateEncoderV1();
  encoding.writeVarUint(encoder.restEncoder, byClient.size);
  // Higher client ids first, as Yjs itself writes them: integration then meets fewer conflicts.
  for (const [client, structs] of [...byClient].sort((a, b) => b[0] - a[0])) {
    const [first] = structs;
    if (!first) throw new RangeError('a client without structs');
    encoding.writeVarUint(encoder.restEncoder, structs.length);
    encoder.writeClient(client);
    encoding.writeVarUint(encoder.restEncoder, first.struct.id.clock + first.offset);
    for (const { struct, offset } of structs) struct.write(encoder, offset);
  }
  writeDeleted(encoder, deleted);
  return encoder.toUint8Array();
}

function writeDeleted(encoder: Y.UpdateEncoderV1, deleted: readonly DeletedRange[]): void {
  const byClient = Map.groupBy(deleted, (range) => range.client);
  encoding.writeVarUint(encoder.restEncoder, byClient.size);
  for (const [client, ranges] of byClient) {
    encoder.resetDsCurVal();
    encoding.writeVarUint(encoder.restEncoder, client);
    encoding.writeVarUint(encoder.restEncoder, ranges.length);
    for (const range of ranges) {
      encoder.writeDsClock(range.clock);
      encoder.writeDsLen(range.length);
    }
  }
}
