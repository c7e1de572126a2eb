/** Time as the server knows it, so that tests can hold it in their hands. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls once, after `delayMs`. Answers how to call it off. Does not keep the process alive. */
  setTimer(callback: () => void, delayMs: number): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
