/**
 * What a connection still gets that reads more slowly than its room speaks, by the bytes that wait for it:
 *
 *     ≤ 256 KiB          all
 *     over 256 KiB       no presence: the next snapshot tells it all
 *     over 1 MiB         behind: no changes one by one either, until it has read what waits; then all it lacks at once
 *     over 8 MiB, or
 *     behind for 45 s    closed with "try later"
 *
 * So what waits for one connection is bounded by 8 MiB and one message more, however much its room says.
 */

/** Unsent bytes over which presence is left out. */
export const PRESENCE_BUFFER_BYTES = 256 * 1024;
/** Unsent bytes over which a connection has fallen behind. */
export const BEHIND_BUFFER_BYTES = 1024 * 1024;
/** Unsent bytes up to which one that fell behind counts as having read what waited. */
export const DRAINED_BUFFER_BYTES = 64 * 1024;
/** Unsent bytes over which a connection is closed. A whole document (a brief has up to 4 MiB) fits below. */
export const MAX_BUFFER_BYTES = 8 * 1024 * 1024;
/** A connection may be behind this long, in ms: one that answers no pings is cut without a word after 60 s at most. */
export const MAX_BEHIND_MS = 45_000;

export type Reading = 'prompt' | 'slow' | 'behind' | 'stuck';

/** How a connection reads, by the bytes that wait for it. */
export function readingOf(unsentBytes: number): Reading {
  if (unsentBytes > MAX_BUFFER_BYTES) return 'stuck';
  if (unsentBytes > BEHIND_BUFFER_BYTES) return 'behind';
  return unsentBytes > PRESENCE_BUFFER_BYTES ? 'slow' : 'prompt';
}
