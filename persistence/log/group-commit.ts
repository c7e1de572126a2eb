import { OfficeError } from '../../sync-server/protocol/errors.ts';

/** Records in one batch. At 50 per sync LevelDB takes 20,000 a second here; more only makes the first of them wait. */
export const MAX_BATCH_RECORDS = 512;
/** Bytes in one batch (a single larger record makes a batch of its own). LevelDB's own write buffer is 4 MiB. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Bytes that may wait for the disk; beyond it records are refused, and with them their documents. */
export const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** Something of one document that waits to be committed. */
export interface Queued {
  readonly document: string;
  readonly sizeBytes: number;
}

interface Waiting<Item extends Queued> {
  readonly item: Item;
  readonly resolve: (clock: number) => void;
  readonly reject: (error: OfficeError) => void;
}

/** What became of one item of a batch: its clock, or why its document refused it. */
export type Committed = number | OfficeError;

/**
 * The queue before a log: gathers items while the batch before is being written, keeps the order of each document, and
 * closes a document to further items once one of its items failed, so that no gap can be written.
 *
 * `commit` writes one batch and answers for every item in order; if it throws, the whole batch failed.
 */
export class GroupCommit<Item extends Queued> {
  readonly #commit: (batch: readonly Item[]) => Promise<readonly Committed[]>;
  readonly #failed = new Map<string, OfficeError>();
  #queue: Waiting<Item>[] = [];
  #queuedBytes = 0;
  #gathering = false;
  #tail: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(commit: (batch: readonly Item[]) => Promise<readonly Committed[]>) {
    this.#commit = commit;
  }

  /** Resolves with the item's clock once its batch is written; rejects with an OfficeError. Order per document is call order. */
  add(item: Item): Promise<number> {
    if (this.#closed) return Promise.reject(new OfficeError('restarting', 'The office is closing its log.'));
    const failure = this.#failed.get(item.document);
    if (failure !== undefined) return Promise.reject(failure);
    if (this.#queuedBytes + item.sizeBytes > MAX_QUEUED_BYTES) {
      const error = new OfficeError('storage', 'The disk is too slow for what is being written.', {
        retryAfterSeconds: 5,
      });
      this.#failed.set(item.document, error);
      return Promise.reject(error);
    }
    this.#queuedBytes += item.sizeBytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject });
      this.#gather();
    });
  }

  /** Runs a job alone: after everything begun before it, with no batch being written meanwhile. */
  exclusive<Result>(job: () => Promise<Result>): Promise<Result> {
    const run = this.#tail.then(job);
    this.#tail = run.then(
      () => undefined,
      () => undefined,
    );
    return run;
  }

  /** Lets items of a document in again. */
  reopen(document: string): void {
    this.#failed.delete(document);
  }

  /** Refuses new items and resolves when those queued are settled. */
  async drain(): Promise<void> {
    this.#closed = true;
    while (this.#queue.length > 0 || this.#gathering) await this.#tail;
    await this.#tail;
  }

  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    void this.exclusive(async () => {
      this.#gathering = false;
      const batch = this.#take();
      if (this.#queue.length > 0) this.#gather();
      if (batch.length > 0) await this.#write(batch);
    });
  }

  #take(): readonly Waiting<Item>[] {
    let count = 0;
    let sizeBytes = 0;
    for (const { item } of this.#queue) {
      if (count === MAX_BATCH_RECORDS || (count > 0 && sizeBytes + item.sizeBytes > MAX_BATCH_BYTES)) break;
      count += 1;
      sizeBytes += item.sizeBytes;
    }
    const batch = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    this.#queuedBytes -= sizeBytes;
    return batch;
  }

  async #write(batch: readonly Waiting<Item>[]): Promise<void> {
    let outcomes: readonly Committed[];
    try {
      outcomes = await this.#commit(batch.map(({ item }) => item));
    } catch (cause) {
      const error = storageError('A change could not be saved: the disk refused it.', cause);
      outcomes = batch.map(() => error);
    }
    const failedNow = new Map<string, OfficeError>();
    for (const [index, { item, resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index] ?? storageError('A change was left out of its batch.');
      if (typeof outcome === 'number') {
        resolve(outcome);
        continue;
      }
      failedNow.set(item.document, outcome);
      reject(outcome);
    }
    if (failedNow.size > 0) this.#closeTo(failedNow);
  }

  #closeTo(documents: ReadonlyMap<string, OfficeError>): void {
    for (const [document, failure] of documents) this.#failed.set(document, failure);
    const kept: Waiting<Item>[] = [];
    for (const waiting of this.#queue) {
      const failure = documents.get(waiting.item.document);
      if (failure === undefined) {
        kept.push(waiting);
        continue;
      }
      this.#queuedBytes -= waiting.item.sizeBytes;
      waiting.reject(failure);
    }
    this.#queue = kept;
  }
}

/** The error of a log whose disk does not do what it should. */
export function storageError(message: string, cause?: unknown): OfficeError {
  if (cause instanceof OfficeError) return cause;
  return new OfficeError('storage', message, { retryAfterSeconds: 5, cause });
}
