import type { Clock } from '../../../sync-server/clock.ts';

/** Lets everything that is under way in promises come to its end. */
export const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A clock that stands until it is told to go on. */
export class ManualClock implements Clock {
  #now = Date.UTC(2026, 0, 5, 9);
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Goes on by `ms`, calling what is due in its order, and lets each call come to its end. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await flush();
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (!next || next.at > until) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.callback();
    }
    this.#now = until;
    await flush();
  }

  /** The machine sleeps: time passes, nothing runs; what is due is called afterwards. */
  async sleep(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }

  /** Forgets all timers, as a killed process does. */
  forget(): void {
    this.#timers = [];
  }
}
