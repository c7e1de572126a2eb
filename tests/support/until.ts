import { setTimeout as pause } from 'node:timers/promises';

const TIMEOUT_MS = 20_000;
const POLL_MS = 10;

/** Polls until `look` answers something other than null, undefined or false; rejects after 20 s, naming `what`. */
export async function until<T>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (performance.now() < deadline) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    await pause(POLL_MS);
  }
  throw new Error(`not seen in ${TIMEOUT_MS} ms: ${what}`);
}
