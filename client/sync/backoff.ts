const FIRST_MS = 300;
const LONGEST_MS = 8_000;

/** How long to wait before try number `attempt` (from 0), in ms: doubling, bounded, between half and all of it by `chance` (0..1). */
export function backoffMs(attempt: number, chance: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return full / 2 + (full / 2) * chance;
}
