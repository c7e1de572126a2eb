import type { WebsocketProvider } from 'y-websocket';
import { readRetryHint } from '../../sync-server/protocol/retry-hint.ts';

const FIRST_MS = 300;
const LONGEST_MS = 8_000;

/** How long to wait before try number `attempt` (from 0), in ms: doubling, bounded, between half and all of it by `chance` (0..1). */
export function backoffMs(attempt: number, chance: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return full / 2 + (full / 2) * chance;
}

/** The tries that the provider counts as failed before its own waiting time (100 ms, doubling) reaches any hint. */
const TRIES_PAST_ANY_HINT = 8;

/**
 * Has a provider whose connection just closed wait as long as the server asked, or up to `longestMs` where it asked
 * nothing. To be called while `connection-close` is told: the provider sets its timer right after.
 */
export function waitBeforeReconnect(provider: WebsocketProvider, reason: string, longestMs: number): void {
  const hintMs = readRetryHint(reason);
  provider.maxBackoffTime = hintMs ?? longestMs;
  if (hintMs !== null)
    provider.wsUnsuccessfulReconnects = Math.max(provider.wsUnsuccessfulReconnects, TRIES_PAST_ANY_HINT);
}
