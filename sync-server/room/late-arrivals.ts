import { type Entry, OFFICE_AUTHOR } from '../protocol/entry.ts';
import type { EntryId } from '../protocol/ids.ts';

/** How far behind its commit an entry's `at` may lie before it counts as late, in ms. */
const LATE_MS = 30_000;

/**
 * Those of the entries that came late: long after they were written, or into a segment that had ended. The office's own
 * are never late.
 * @param committedAt when the log had them, in ms
 */
export function lateAmong(
  entries: readonly Entry[],
  { wasSealed, committedAt }: { readonly wasSealed: boolean; readonly committedAt: number },
): EntryId[] {
  return entries.flatMap(({ id, author, at }) => {
    const isLate = author !== OFFICE_AUTHOR && (wasSealed || at < committedAt - LATE_MS);
    return isLate ? [id] : [];
  });
}
