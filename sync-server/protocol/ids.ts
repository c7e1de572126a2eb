/**
 * Identifiers. A person's entries and sessions carry ULIDs (26 characters of Crockford base32, canonical upper case:
 * 48 bits of time, 80 bits of randomness), so that a device makes them offline. What the office derives from a cause
 * begins with `r_`: the same cause always gives the same id, which makes a second reply impossible.
 */
import { toBase64UrlEncoded } from 'lib0/buffer';
import { digest } from 'lib0/hash/sha256';
import { encodeUtf8 } from 'lib0/string';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type Ulid = Branded<'Ulid'>;
export type DerivedId = Branded<'DerivedId'>;
export type SessionId = Ulid;
export type EntryId = Ulid | DerivedId;

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const DERIVED = /^r_[A-Za-z0-9_-]{27}$/;

/** Random bytes that a ULID needs. */
export const ULID_RANDOM_BYTES = 10;

export const isUlid = (value: string): value is Ulid => ULID.test(value);
export const isDerivedId = (value: string): value is DerivedId => DERIVED.test(value);
export const isEntryId = (value: string): value is EntryId => isUlid(value) || isDerivedId(value);

/**
 * A ULID of the given moment.
 * @param nowMs milliseconds since the epoch; only its 48 low bits count
 * @param random exactly `ULID_RANDOM_BYTES` bytes from a cryptographic source
 */
export function makeUlid(nowMs: number, random: Uint8Array): Ulid {
  if (random.length !== ULID_RANDOM_BYTES) throw new RangeError(`a ULID needs ${ULID_RANDOM_BYTES} random bytes`);
  let bits = BigInt(Math.max(0, Math.floor(nowMs))) & 0xffff_ffff_ffffn;
  for (const byte of random) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let i = 0; i < 26; i++) {
    text = ALPHABET[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  // reason: the loop above writes exactly the form that isUlid checks
  return text as Ulid;
}

/** The id that the office derives from parts that name a cause; equal parts give an equal id. */
export function deriveId(...parts: readonly (string | number)[]): DerivedId {
  const bytes = digest(encodeUtf8(parts.map((part) => encodeURIComponent(part)).join('/')));
  // reason: 20 bytes in base64url are 27 characters of the form that isDerivedId checks
  return `r_${toBase64UrlEncoded(bytes.subarray(0, 20))}` as DerivedId;
}
