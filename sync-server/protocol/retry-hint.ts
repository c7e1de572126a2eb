/**
 * "Try later" with a when: a close with a code of 4500 to 4599 says in its reason after how many ms to come back, a
 * different number for each peer, so that those who were sent off together don't return together.
 */

/** The soonest and the latest that a peer is asked to come back, in ms. */
export const MIN_RETRY_HINT_MS = 500;
export const MAX_RETRY_HINT_MS = 3_000;

const HINT = /; retry in (\d{1,9}) ms$/;

/** Whether a close code means "try later" (the stock provider comes back). */
export const isRetryLater = (code: number): boolean => code >= 4500 && code <= 4599;

/** What is added to the reason of a close. @param chance from 0 to 1, another for each connection */
export const retryHint = (chance: number): string =>
  `; retry in ${Math.round(MIN_RETRY_HINT_MS + (MAX_RETRY_HINT_MS - MIN_RETRY_HINT_MS) * chance)} ms`;

/** The ms that a close's reason asks to wait; null where it says none, never more than `MAX_RETRY_HINT_MS`. */
export function readRetryHint(reason: string): number | null {
  const [, ms] = HINT.exec(reason) ?? [];
  return ms === undefined ? null : Math.min(MAX_RETRY_HINT_MS, Number(ms));
}
