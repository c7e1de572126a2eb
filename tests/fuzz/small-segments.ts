import type { SegmentLimits } from '../../sync-server/room/segment-roll.ts';

/** Segments that are full after some minutes of a fuzzer, and still take enough to be worth compacting. */
export const SMALL_SEGMENTS: SegmentLimits = {
  entries: 40,
  bytes: 512 * 1024,
  sealedEntries: 400,
  sealedBytes: 2 * 1024 * 1024,
};
