import type { Clock } from '../../sync-server/clock.ts';

/** Timers up to this long gather what happens at once, and run by themselves unless said otherwise; longer ones wait for `advance`. In ms. */
const GATHERING_MS = 1_000;

interface Waiting {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #gatheringMs: number;
  readonly #waiting = new Set<Waiting>();

  /** @param gatheringMs timers up to this long run by themselves */
  constructor(nowMs = Date.now(), gatheringMs = GATHERING_MS) {
    this.#nowMs = nowMs;
    this.#gatheringMs = gatheringMs;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    if (delayMs <= this.#gatheringMs) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    }
    const waiting = { dueMs: this.#nowMs + delayMs, run: callback };
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }

  /** Lets time pass, and runs what falls due in it, earliest first. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.#waiting].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
      if (!next) break;
      this.#waiting.delete(next);
      this.#nowMs = next.dueMs;
      next.run();
    }
    this.#nowMs = endMs;
  }
}
