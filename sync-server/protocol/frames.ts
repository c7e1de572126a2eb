/**
 * Frames of `/sync/<document name>`: y-websocket's, and three of ours for those who asked with `?receipts=1`.
 *
 *     0 sync        {0 step1(state vector) | 1 step2(update) | 2 update}
 *     1 awareness   update          2 auth   3 query awareness
 *   100 hello       JSON: the office's clock, who you are            server -> peer, first frame
 *   101 receipt     partial state vector: durable up to these clocks server -> peer
 *   102 nack        JSON: an entry that was not taken, and why       server -> peer
 *
 * A WebSocket message holds one frame. Stock providers ignore types they don't know.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { z } from 'zod';

export const FRAME = {
  sync: 0,
  awareness: 1,
  auth: 2,
  queryAwareness: 3,
  hello: 100,
  receipt: 101,
  nack: 102,
} as const;
export const SYNC = { step1: 0, step2: 1, update: 2 } as const;

/** The wire's version; an older or newer peer is told to reload when it no longer fits. */
export const PROTOCOL_VERSION = 1;

/** Bytes of one frame: a stock provider cannot split its SyncStep2, so this bounds a document's offline backlog. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/** Bytes of one awareness state, as JSON. */
export const MAX_AWARENESS_STATE_BYTES = 4 * 1024;
/** Awareness states that one frame may carry: stock clients echo everyone's. */
export const MAX_AWARENESS_STATES = 2_000;

export const helloSchema = z.object({
  protocol: z.int(),
  /** Milliseconds since the epoch: peers keep the offset to their own clock. */
  time: z.number(),
  /** Changes when the store was restored from a backup. */
  epoch: z.string(),
  principal: z.string(),
});
export type Hello = z.infer<typeof helloSchema>;

export const nackCodeSchema = z.enum(['permission', 'clock', 'size', 'shape', 'duplicate', 'sealed']);
export type NackCode = z.infer<typeof nackCodeSchema>;
export const nackSchema = z.object({
  /** The entry that was not taken; null where the change named none. */
  entry: z.string().nullable(),
  code: nackCodeSchema,
  time: z.number(),
  /** Where the refused change stood: its content is replaced by nothing in the log. */
  client: z.number(),
  clock: z.number(),
});
export type Nack = z.infer<typeof nackSchema>;

/** Clocks by client id: everything below a client's clock is meant. */
export type StateVector = ReadonlyMap<number, number>;

const frame = (type: number, write: (encoder: encoding.Encoder) => void): Uint8Array => {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, type);
  write(encoder);
  return encoding.toUint8Array(encoder);
};

const syncFrame = (kind: number, bytes: Uint8Array): Uint8Array =>
  frame(FRAME.sync, (encoder) => {
    encoding.writeVarUint(encoder, kind);
    encoding.writeVarUint8Array(encoder, bytes);
  });

export const writeStep1 = (stateVector: Uint8Array): Uint8Array => syncFrame(SYNC.step1, stateVector);
export const writeStep2 = (update: Uint8Array): Uint8Array => syncFrame(SYNC.step2, update);
export const writeUpdate = (update: Uint8Array): Uint8Array => syncFrame(SYNC.update, update);
export const writeAwareness = (states: readonly AwarenessState[]): Uint8Array =>
  frame(FRAME.awareness, (encoder) => encoding.writeVarUint8Array(encoder, encodeAwareness(states)));
export const writeHello = (hello: Hello): Uint8Array =>
  frame(FRAME.hello, (encoder) => encoding.writeVarString(encoder, JSON.stringify(hello)));
export const writeNack = (nack: Nack): Uint8Array =>
  frame(FRAME.nack, (encoder) => encoding.writeVarString(encoder, JSON.stringify(nack)));
export const writeReceipt = (saved: StateVector): Uint8Array =>
  frame(FRAME.receipt, (encoder) => {
    encoding.writeVarUint(encoder, saved.size);
    for (const [client, clock] of saved) {
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, clock);
    }
  });

/** Reads what follows the frame type of a receipt. Throws on bytes that are none. */
export function readReceipt(decoder: decoding.Decoder): StateVector {
  const saved = new Map<number, number>();
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const client = decoding.readVarUint(decoder);
    saved.set(client, decoding.readVarUint(decoder));
  }
  return saved;
}
/** Reads what follows the frame type of a hello. Throws on bytes that are none. */
export const readHello = (decoder: decoding.Decoder): Hello =>
  helloSchema.parse(JSON.parse(decoding.readVarString(decoder)));
/** Reads what follows the frame type of a nack. Throws on bytes that are none. */
export const readNack = (decoder: decoding.Decoder): Nack =>
  nackSchema.parse(JSON.parse(decoding.readVarString(decoder)));

/** One peer's presence as y-protocols' awareness carries it; `state` null: gone. */
export interface AwarenessState {
  readonly client: number;
  readonly clock: number;
  readonly state: string;
}

/** y-protocols' awareness update, with each state as the JSON text it travels in. */
export function encodeAwareness(states: readonly AwarenessState[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, states.length);
  for (const { client, clock, state } of states) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarString(encoder, state);
  }
  return encoding.toUint8Array(encoder);
}

/** Throws on bytes that are no awareness update, or one with more than `MAX_AWARENESS_STATES`. */
export function decodeAwareness(bytes: Uint8Array): AwarenessState[] {
  const decoder = decoding.createDecoder(bytes);
  const count = decoding.readVarUint(decoder);
  if (count > MAX_AWARENESS_STATES) throw new RangeError('too many awareness states');
  const states: AwarenessState[] = [];
  for (let i = 0; i < count; i++) {
    const client = decoding.readVarUint(decoder);
    const clock = decoding.readVarUint(decoder);
    states.push({ client, clock, state: decoding.readVarString(decoder) });
  }
  return states;
}

/** What a peer sends, decoded. `unknown` types are for a newer server and are ignored. */
export type PeerFrame =
  | { readonly kind: 'step1'; readonly stateVector: Uint8Array }
  | { readonly kind: 'update'; readonly isStep2: boolean; readonly update: Uint8Array }
  | { readonly kind: 'awareness'; readonly states: readonly AwarenessState[] }
  | { readonly kind: 'query-awareness' }
  | { readonly kind: 'unknown' };

/** Decodes a frame from a peer. Throws on bytes that are no frame. */
export function readPeerFrame(bytes: Uint8Array): PeerFrame {
  const decoder = decoding.createDecoder(bytes);
  switch (decoding.readVarUint(decoder)) {
    case FRAME.sync: {
      const kind = decoding.readVarUint(decoder);
      const payload = decoding.readVarUint8Array(decoder);
      if (kind === SYNC.step1) return { kind: 'step1', stateVector: payload };
      if (kind === SYNC.step2 || kind === SYNC.update) {
        return { kind: 'update', isStep2: kind === SYNC.step2, update: payload };
      }
      throw new RangeError(`no such sync frame: ${kind}`);
    }
    case FRAME.awareness:
      return { kind: 'awareness', states: decodeAwareness(decoding.readVarUint8Array(decoder)) };
    case FRAME.queryAwareness:
      return { kind: 'query-awareness' };
    default:
      return { kind: 'unknown' };
  }
}
