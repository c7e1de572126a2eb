/**
 * The on-disk form of the log: y-leveldb 0.2's, byte for byte (a test compares them), so that its reader opens a closed
 * copy. The form is written here rather than imported because y-leveldb brings a second native LevelDB into the process.
 *
 *     ['v1', document, 'update', clock]   the update
 *     ['v1', document, 'meta', key]       lib0's encodeAny(value)
 *     ['v1_sv', document]                 clock, state vector of the document as of that clock: y-leveldb finds documents by it,
 *                                         and here its clock is that of the first record kept
 *     ['daena', 'dirty', document]        the first clock that the projection may lack
 *     ['daena', 'old', document, clock]   what the last compaction replaced; y-leveldb never looks outside v1 and v1_sv
 *
 * A key is a list of strings (0, length, UTF-8) and numbers (1, four bytes big endian), so a document's name is no prefix
 * of another's keys, and clocks sort.
 */
import { decodeAny, encodeAny } from 'lib0/buffer';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';

const STRING = 0;
const UINT32 = 1;
/** Clocks are below this. */
const MAX_CLOCK = 0xffff_ffff;

type KeyPart = string | number;

/** Keys from `gte` up to but not `lt`. */
export interface KeyRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
}

export function encodeKey(parts: readonly KeyPart[]): Uint8Array {
  return encoding.encode((encoder) => {
    for (const part of parts) {
      if (typeof part === 'string') {
        encoding.writeUint8(encoder, STRING);
        encoding.writeVarString(encoder, part);
      } else {
        encoding.writeUint8(encoder, UINT32);
        encoding.writeUint32BigEndian(encoder, part);
      }
    }
  });
}

/** The parts of a key; throws on bytes that `encodeKey` did not write. */
export function decodeKey(key: Uint8Array): readonly KeyPart[] {
  const decoder = decoding.createDecoder(key);
  const parts: KeyPart[] = [];
  while (decoding.hasContent(decoder)) {
    const form = decoding.readUint8(decoder);
    if (form === STRING) parts.push(decoding.readVarString(decoder));
    else if (form === UINT32) parts.push(decoding.readUint32BigEndian(decoder));
    else throw new RangeError(`unknown form ${form} in a log key`);
  }
  return parts;
}

export const updateKey = (document: string, clock: number) => encodeKey(['v1', document, 'update', clock]);
export const metaKey = (document: string, key: string) => encodeKey(['v1', document, 'meta', key]);
export const stateVectorKey = (document: string) => encodeKey(['v1_sv', document]);
export const dirtyKey = (document: string) => encodeKey(['daena', 'dirty', document]);
export const oldKey = (document: string, clock: number) => encodeKey(['daena', 'old', document, clock]);

/** The document and clock of an update's key; null for any other key. */
export function readUpdateKey(key: Uint8Array): { readonly document: string; readonly clock: number } | null {
  const [form, document, kind, clock] = decodeKey(key);
  return form === 'v1' && kind === 'update' && typeof document === 'string' && typeof clock === 'number'
    ? { document, clock }
    : null;
}

/** Updates of a document with clocks from `from` through `through`. */
export const updateRange = (document: string, from = 0, through = MAX_CLOCK - 1): KeyRange => ({
  gte: updateKey(document, from),
  lt: updateKey(document, through + 1),
});
export const metaRange = (document: string): KeyRange => ({
  gte: metaKey(document, ''),
  lt: encodeKey(['v1', document, 'metb']),
});
export const oldRange = (document: string): KeyRange => ({ gte: oldKey(document, 0), lt: oldKey(document, MAX_CLOCK) });
export const DIRTY_RANGE: KeyRange = { gte: encodeKey(['daena', 'dirty']), lt: encodeKey(['daena', 'dirtz']) };
/** Every key: all of them begin with a string. */
export const WHOLE_RANGE: KeyRange = { gte: Uint8Array.of(STRING), lt: Uint8Array.of(UINT32) };
export const STATE_VECTOR_RANGE: KeyRange = { gte: encodeKey(['v1_sv']), lt: encodeKey(['v1_sw']) };

export function encodeStateVectorValue(clock: number, stateVector: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarUint8Array(encoder, stateVector);
  });
}

/** The clock in a `v1_sv` value; throws on other bytes. */
export const decodeStateVectorClock = (value: Uint8Array): number =>
  decoding.readVarUint(decoding.createDecoder(value));

export const encodeClock = (clock: number): Uint8Array =>
  encoding.encode((encoder) => encoding.writeVarUint(encoder, clock));

export const encodeMeta = (value: Uint8Array): Uint8Array => encodeAny(value);

/** A meta value; undefined where it is not bytes that `encodeMeta` wrote. */
export function decodeMeta(value: Uint8Array): Uint8Array | undefined {
  try {
    const decoded: unknown = decodeAny(value);
    return decoded instanceof Uint8Array ? decoded : undefined;
  } catch {
    // Damaged bytes: the key counts as absent, as the contract above says.
    return undefined;
  }
}
