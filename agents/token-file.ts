import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The server writes the token at its first start, a moment before or after the worker's. */
const MAX_TOKEN_WAIT_MS = 30_000;
const LOOK_EVERY_MS = 200;

/** The token in the file, or null where there is none that can be read. Never throws. */
export function readToken(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch {
    // Not there yet, or not for us: whoever waits for it says so.
    return null;
  }
}

/** Waits until the file holds a token; null where it still doesn't after `maxWaitMs`, or the signal aborted. */
export async function waitForToken(
  file: string,
  signal: AbortSignal,
  maxWaitMs: number = MAX_TOKEN_WAIT_MS,
): Promise<string | null> {
  const stop = AbortSignal.any([signal, AbortSignal.timeout(maxWaitMs)]);
  for (;;) {
    const token = readToken(file);
    if (token !== null || stop.aborted) return token;
    try {
      await delay(LOOK_EVERY_MS, undefined, { signal: stop });
    } catch {
      // Too long or stopped: one last look, then the answer.
    }
  }
}
