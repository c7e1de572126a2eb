/**
 * Between the rooms and SQLite: gathers what became durable and projects it in batches, one transaction each and one at
 * a time. Most of what a batch costs is the same for one entry as for many, so under load the next one waits in
 * proportion to what the last one cost.
 */
import type { CommittedEntries } from '../persistence/projection/committed-entries.ts';
import type { Clock } from './clock.ts';
import { type Logger, reasonOf } from './logger.ts';
import { OfficeError } from './protocol/errors.ts';

/** The longest that a durable entry waits for its projection to begin, in ms, while the disk works. */
const MAX_DELAY_MS = 250;
/** Between two batches lies this many times what the first one cost: the projection takes a small part of a core. */
const REST_FACTOR = 30;
/** How long a reader waits for what was written before, in ms. */
const READ_PATIENCE_MS = 5_000;
/** How long to wait after a batch that failed, in ms. */
const RETRY_MS = 2_000;
/** Entries in one transaction: other writers of the database wait while it runs, a tenth of a millisecond for each. */
const MAX_BATCH_ENTRIES = 256;

interface Waiting {
  readonly committed: CommittedEntries;
  readonly projected: PromiseWithResolvers<void>;
}

/** Projects one batch and answers what that cost, in ms. Rejects where it could not; to be called with it again then. */
export type ProjectBatch = (batch: readonly CommittedEntries[]) => Promise<number>;

export class Projector {
  readonly #project: ProjectBatch;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #queue: Waiting[] = [];
  #callOff: (() => void) | null = null;
  #underWay: Promise<void> | null = null;
  /** How many were projected since the start, and how many of the first somebody waits for. */
  #projectedCount = 0;
  #awaitedCount = 0;
  /** When the next batch may begin, on the monotonic clock. */
  #restedAt = 0;
  #failure: string | null = null;

  constructor(project: ProjectBatch, clock: Clock, logger: Logger) {
    this.#project = project;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Resolves when the entries are projected. Never rejects: what fails is tried again, and `failure` says so. */
  add(committed: CommittedEntries): Promise<void> {
    const projected = Promise.withResolvers<void>();
    this.#queue.push({ committed, projected });
    this.#schedule();
    return projected.promise;
  }

  /** Rests no more until all that waits now is projected: somebody waits for it. */
  hurry(): void {
    this.#awaitedCount = this.#projectedCount + this.#queue.length;
    this.#restedAt = 0;
    if (this.#failure !== null || !this.#callOff) return;
    this.#callOff();
    this.#callOff = null;
    this.#schedule();
  }

  /**
   * Resolves when all that waits now is projected, which begins at once: somebody wants to read it. Rejects with `storage`
   * where that takes too long.
   */
  async settled(): Promise<void> {
    const last = this.#queue.at(-1);
    if (!last) return;
    this.hurry();
    const late = Promise.withResolvers<never>();
    const callOff = this.#clock.setTimer(
      () => late.reject(new OfficeError('storage', 'the database is behind', { retryAfterSeconds: 2 })),
      READ_PATIENCE_MS,
    );
    try {
      await Promise.race([last.projected.promise, late.promise]);
    } finally {
      callOff();
    }
  }

  /** Why the projection stands still; null while it works. */
  get failure(): string | null {
    return this.#failure;
  }

  get backlog(): number {
    return this.#queue.length;
  }

  /** Projects what waits, without resting. Rejects where that fails. */
  async drain(): Promise<void> {
    await this.#underWay;
    while (this.#queue.length > 0) {
      this.#callOff?.();
      this.#callOff = null;
      const batch = this.#projectBatch();
      // What comes meanwhile begins no batch beside this one: both would take the same from the queue.
      this.#underWay = batch.catch(() => undefined);
      try {
        await batch;
      } finally {
        this.#underWay = null;
      }
    }
  }

  #schedule(delayMs = Math.max(0, this.#restedAt - performance.now())): void {
    if (this.#callOff || this.#underWay) return;
    this.#callOff = this.#clock.setTimer(() => {
      this.#callOff = null;
      this.#underWay = this.#projectAndGoOn();
    }, delayMs);
  }

  async #projectAndGoOn(): Promise<void> {
    let delayMs: number | undefined;
    try {
      await this.#projectBatch();
    } catch (error) {
      this.#failure = reasonOf(error);
      this.#logger.error('the projection failed and will be tried again', { reason: this.#failure });
      delayMs = RETRY_MS;
    }
    this.#underWay = null;
    if (this.#queue.length > 0) this.#schedule(delayMs);
  }

  async #projectBatch(): Promise<void> {
    let entryCount = 0;
    let taken = 0;
    for (const { committed } of this.#queue) {
      if (taken > 0 && entryCount + committed.entries.length > MAX_BATCH_ENTRIES) break;
      entryCount += committed.entries.length;
      taken++;
    }
    const batch = this.#queue.slice(0, taken);
    const costMs = await this.#project(batch.map(({ committed }) => committed));
    this.#queue = this.#queue.slice(taken);
    this.#failure = null;
    this.#projectedCount += taken;
    const isAwaited = this.#projectedCount < this.#awaitedCount;
    this.#restedAt = isAwaited ? 0 : performance.now() + Math.min(MAX_DELAY_MS, REST_FACTOR * costMs);
    for (const { projected } of batch) projected.resolve();
  }
}
