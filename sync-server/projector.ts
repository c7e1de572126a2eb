/**
 * Between the rooms and SQLite: gathers what became durable and projects it in batches, one transaction each. Under
 * load a batch waits in proportion to what the last one cost, so that the disk's sync never takes the event loop from
 * the sockets.
 */
import type { CommittedEntries } from '../persistence/projection/committed-entries.ts';
import type { Clock } from './clock.ts';
import { type Logger, reasonOf } from './logger.ts';

/** The longest that a durable entry waits for its projection, in ms, while the disk works. */
const MAX_DELAY_MS = 250;
/**
 * Between two batches lies at least this many times what the first one took. Most of that is the same for one entry as
 * for a hundred, so resting longer under load costs less in all, and leaves the event loop to the sockets.
 */
const REST_FACTOR = 5;
/** How long to wait after a batch that failed, in ms. */
const RETRY_MS = 2_000;
/** The same where entries are left over: then the projection may take half of the time, but no more. */
const BACKLOG_REST_FACTOR = 1;
/** Entries in one transaction: the sockets wait while it runs, a quarter of a millisecond for each. */
const MAX_BATCH_ENTRIES = 64;

interface Waiting {
  readonly committed: CommittedEntries;
  readonly resolve: () => void;
}

export class Projector {
  readonly #project: (batch: readonly CommittedEntries[]) => void;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #queue: Waiting[] = [];
  #scheduled: (() => void) | null = null;
  /** When the next batch may begin, on the monotonic clock. */
  #restedAt = 0;
  #failure: string | null = null;

  /** @param project writes one batch; throws where it could not, having changed nothing */
  constructor(project: (batch: readonly CommittedEntries[]) => void, clock: Clock, logger: Logger) {
    this.#project = project;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Resolves when the entries are projected. Never rejects: what fails is tried again, and `failure` says so. */
  add(committed: CommittedEntries): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push({ committed, resolve });
      this.#schedule();
    });
  }

  /** Why the projection stands still; null while it works. */
  get failure(): string | null {
    return this.#failure;
  }

  get backlog(): number {
    return this.#queue.length;
  }

  /** Projects what waits, now. Throws where that fails. */
  flush(): void {
    this.#scheduled?.();
    this.#scheduled = null;
    while (this.#queue.length > 0) this.#projectBatch();
  }

  #schedule(delayMs = Math.max(0, this.#restedAt - performance.now())): void {
    if (this.#scheduled) return;
    this.#scheduled = this.#clock.setTimer(() => {
      this.#scheduled = null;
      try {
        this.#projectBatch();
      } catch (error) {
        this.#failure = reasonOf(error);
        this.#logger.error('the projection failed and will be tried again', { reason: this.#failure });
        this.#schedule(RETRY_MS);
        return;
      }
      if (this.#queue.length > 0) this.#schedule();
    }, delayMs);
  }

  #projectBatch(): void {
    let entryCount = 0;
    let taken = 0;
    for (const { committed } of this.#queue) {
      if (taken > 0 && entryCount + committed.entries.length > MAX_BATCH_ENTRIES) break;
      entryCount += committed.entries.length;
      taken++;
    }
    const batch = this.#queue.slice(0, taken);
    const startedAt = performance.now();
    this.#project(batch.map(({ committed }) => committed));
    this.#queue = this.#queue.slice(taken);
    this.#failure = null;
    const endedAt = performance.now();
    const restFactor = this.#queue.length > 0 ? BACKLOG_REST_FACTOR : REST_FACTOR;
    this.#restedAt = endedAt + Math.min(MAX_DELAY_MS, restFactor * (endedAt - startedAt));
    for (const { resolve } of batch) resolve();
  }
}
