import { MAX_SEALED_BYTES, MAX_SEALED_ENTRIES, SEGMENT_BYTES, SEGMENT_ENTRIES } from '../protocol/segment.ts';

/** When a segment is full, and what a sealed one still takes. Bytes are those of its entries as JSON. */
export interface SegmentLimits {
  readonly entries: number;
  readonly bytes: number;
  readonly sealedEntries: number;
  readonly sealedBytes: number;
}

export const SEGMENT_LIMITS: SegmentLimits = {
  entries: SEGMENT_ENTRIES,
  bytes: SEGMENT_BYTES,
  sealedEntries: MAX_SEALED_ENTRIES,
  sealedBytes: MAX_SEALED_BYTES,
};

/** At so many times its limits a segment ends although an agent writes in it. */
const HARD_FACTOR = 2;

export interface SegmentState {
  readonly entryCount: number;
  readonly sizeBytes: number;
  readonly isSealed: boolean;
  /** Whether an agent writes here: it has a row, or a lease on this document. */
  readonly isWrittenIn: boolean;
  /** Whether the session has a later segment already. */
  readonly isSuperseded: boolean;
}

/** Whether a segment is to end now. */
export function isToBeSealed(segment: SegmentState, limits: SegmentLimits): boolean {
  if (segment.isSealed) return false;
  // The process died while the next one was begun: nobody here would ever hear of it.
  if (segment.isSuperseded) return true;
  const reaches = (times: number): boolean =>
    segment.entryCount >= times * limits.entries || segment.sizeBytes >= times * limits.bytes;
  return reaches(segment.isWrittenIn ? HARD_FACTOR : 1);
}
