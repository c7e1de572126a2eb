import { setTimeout as wait } from 'node:timers/promises';

/** How often what is due is looked for, in ms. */
const TICK_MS = 2;

/** Runs `say` for each of `speakers` at a steady rate, spread evenly over time. Resolves after `durationMs`. */
export async function atPace<Speaker>(
  speakers: readonly Speaker[],
  perSpeakerPerSecond: number,
  durationMs: number,
  say: (speaker: Speaker) => void,
): Promise<void> {
  const perMs = (speakers.length * perSpeakerPerSecond) / 1000;
  const startedAt = performance.now();
  let said = 0;
  for (;;) {
    const elapsedMs = Math.min(performance.now() - startedAt, durationMs);
    for (const due = Math.floor(elapsedMs * perMs); said < due; said++) {
      const speaker = speakers[said % speakers.length];
      if (speaker !== undefined) say(speaker);
    }
    if (elapsedMs >= durationMs) return;
    await wait(TICK_MS);
  }
}

/** Looks until the condition holds or the time is over; answers whether it holds. */
export async function until(condition: () => boolean, boundMs: number): Promise<boolean> {
  const endsAt = performance.now() + boundMs;
  while (!condition()) {
    if (performance.now() > endsAt) return false;
    await wait(TICK_MS);
  }
  return true;
}
