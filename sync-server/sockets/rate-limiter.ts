/** A token bucket for each principal, however many connections they have. */

/** Frames a second that one principal may send in the long run. */
export const FRAMES_PER_SECOND = 500;
/** Frames that may come at once: a device that was offline has much to say. */
export const BURST_FRAMES = 5_000;
/** Principals remembered; a bucket that filled up again is forgotten first. */
export const MAX_BUCKETS = 10_000;

interface Bucket {
  tokens: number;
  updatedAt: number;
}

export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();

  /** Takes one frame's token. Answers how long the principal should be paused, in ms; 0 while within bounds. */
  take(principalId: string, nowMs: number): number {
    const bucket = this.#buckets.get(principalId) ?? { tokens: BURST_FRAMES, updatedAt: nowMs };
    const elapsedMs = Math.max(0, nowMs - bucket.updatedAt);
    bucket.tokens = Math.min(BURST_FRAMES, bucket.tokens + (elapsedMs / 1000) * FRAMES_PER_SECOND) - 1;
    bucket.updatedAt = nowMs;
    this.#buckets.delete(principalId);
    this.#buckets.set(principalId, bucket);
    if (this.#buckets.size > MAX_BUCKETS) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return bucket.tokens >= 0 ? 0 : Math.ceil((-bucket.tokens / FRAMES_PER_SECOND) * 1000);
  }
}
