/**
 * What the load's peers say and hear, for every server: y-websocket's frames, which Hocuspocus puts behind the
 * document's name and an authentication.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import {
  FRAME,
  readReceipt,
  type StateVector,
  SYNC,
  writeStep1,
  writeStep2,
  writeUpdate,
} from '../../sync-server/protocol/frames.ts';

export type Dialect = 'y-websocket' | 'hocuspocus' | 'bare';

export type Heard =
  | { readonly kind: 'step1' }
  | { readonly kind: 'step2'; readonly update: Uint8Array }
  | { readonly kind: 'update'; readonly update: Uint8Array }
  | { readonly kind: 'receipt'; readonly saved: StateVector }
  | { readonly kind: 'other' };

/** Hocuspocus: message types and the kind of authentication, as @hocuspocus/common numbers them. */
const HOCUSPOCUS_AUTH = 2;
const HOCUSPOCUS_TOKEN = 0;
const HOCUSPOCUS_SYNC_REPLY = 4;

const NOTHING: Uint8Array = Y.encodeStateAsUpdate(new Y.Doc());
const NOTHING_KNOWN: Uint8Array = Y.encodeStateVector(new Y.Doc());

export class Wire {
  readonly #dialect: Dialect;
  readonly #prefix: Uint8Array;

  constructor(dialect: Dialect, document: string) {
    this.#dialect = dialect;
    const encoder = encoding.createEncoder();
    if (dialect === 'hocuspocus') encoding.writeVarString(encoder, document);
    this.#prefix = encoding.toUint8Array(encoder);
  }

  /** What a peer says first; it is greeted with the document in return. Nothing where there is no document. */
  greetings(): Uint8Array[] {
    if (this.#dialect === 'bare') return [];
    const step1 = this.#frame(writeStep1(NOTHING_KNOWN));
    if (this.#dialect === 'y-websocket') return [step1];
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, HOCUSPOCUS_AUTH);
    encoding.writeVarUint(encoder, HOCUSPOCUS_TOKEN);
    encoding.writeVarString(encoder, '');
    return [this.#frame(encoding.toUint8Array(encoder)), step1];
  }

  /** The answer of a peer that holds nothing. */
  nothingToTell(): Uint8Array {
    return this.#frame(writeStep2(NOTHING));
  }

  update(update: Uint8Array): Uint8Array {
    return this.#frame(writeUpdate(update));
  }

  read(bytes: Uint8Array): Heard {
    const decoder = decoding.createDecoder(bytes);
    decoder.pos = this.#prefix.length;
    const type = decoding.readVarUint(decoder);
    if (type === FRAME.receipt && this.#dialect === 'y-websocket')
      return { kind: 'receipt', saved: readReceipt(decoder) };
    if (type !== FRAME.sync && !(this.#dialect === 'hocuspocus' && type === HOCUSPOCUS_SYNC_REPLY))
      return { kind: 'other' };
    const kind = decoding.readVarUint(decoder);
    if (kind === SYNC.step1) return { kind: 'step1' };
    const update = decoding.readVarUint8Array(decoder);
    return { kind: kind === SYNC.step2 ? 'step2' : 'update', update };
  }

  #frame(frame: Uint8Array): Uint8Array {
    return this.#prefix.length === 0 ? frame : Buffer.concat([this.#prefix, frame]);
  }
}

/**
 * Calls with each change in an update, by the client id that made it and its clock. An update of one author, which is
 * nearly every one, is read from its first bytes alone: the load must not be what is measured.
 */
export function eachChange(update: Uint8Array, take: (client: number, clock: number) => void): void {
  const decoder = decoding.createDecoder(update);
  const clients = decoding.readVarUint(decoder);
  if (clients === 1) {
    // Every change of the load is one struct of length 1.
    const structs = decoding.readVarUint(decoder);
    const client = decoding.readVarUint(decoder);
    const first = decoding.readVarUint(decoder);
    for (let clock = first; clock < first + structs; clock++) take(client, clock);
    return;
  }
  if (clients === 0) return;
  for (const struct of Y.decodeUpdate(update).structs) {
    if (struct instanceof Y.Skip) continue;
    for (let i = 0; i < struct.length; i++) take(struct.id.client, struct.id.clock + i);
  }
}
