import { OfficeError } from '../../sync-server/protocol/errors.ts';
import { type Committed, GroupCommit } from './group-commit.ts';
import { isReadableUpdate, lacksStructsOf } from './update-checks.ts';
import type { LoggedDocument, LogRecord, UpdateLog } from './update-log.ts';

interface Stored {
  readonly updates: Map<number, Uint8Array>;
  readonly meta: Map<string, Uint8Array>;
  nextClock: number;
  isDirty: boolean;
}

interface PendingRecord extends LogRecord {
  readonly sizeBytes: number;
}

export interface MemoryUpdateLogOptions {
  /** Awaited before a batch becomes readable: a commit is held while it is pending and fails where it rejects. */
  readonly beforeCommit?: (records: readonly LogRecord[]) => Promise<void>;
}

/** The log without a disk: the same contract, but all is gone with the process. For tests and trial runs. */
export class MemoryUpdateLog implements UpdateLog {
  readonly #documents = new Map<string, Stored>();
  readonly #commits = new GroupCommit<PendingRecord>((batch) => this.#commit(batch));
  readonly #beforeCommit: (records: readonly LogRecord[]) => Promise<void>;

  constructor(options: MemoryUpdateLogOptions = {}) {
    this.#beforeCommit = options.beforeCommit ?? (() => Promise.resolve());
  }

  append(record: LogRecord): Promise<number> {
    return this.#commits.add({ ...record, sizeBytes: record.update.length });
  }

  async read(document: string): Promise<LoggedDocument> {
    const stored = this.#documents.get(document);
    if (stored === undefined) return { updates: [], nextClock: 0, meta: new Map(), damaged: [] };
    return {
      updates: [...stored.updates.values()],
      nextClock: stored.nextClock,
      meta: new Map(stored.meta),
      damaged: [],
    };
  }

  async dirty(): Promise<readonly string[]> {
    return [...this.#documents].filter(([, stored]) => stored.isDirty).map(([name]) => name);
  }

  async documents(): Promise<readonly string[]> {
    return [...this.#documents.keys()];
  }

  markProjected(document: string, throughClock: number): Promise<void> {
    return this.#commits.exclusive(async () => {
      const stored = this.#documents.get(document);
      if (stored !== undefined && stored.nextClock - 1 <= throughClock) stored.isDirty = false;
    });
  }

  compact(document: string, throughClock: number, merged: Uint8Array): Promise<void> {
    return this.#commits.exclusive(async () => {
      const stored = this.#documents.get(document);
      if (stored === undefined || !stored.updates.has(throughClock)) {
        throw new OfficeError('conflict', `The log of ${document} does not reach clock ${throughClock}.`);
      }
      const replaced = [...stored.updates].filter(([clock]) => clock <= throughClock);
      const lacking = lacksStructsOf(
        merged,
        replaced.map(([, update]) => update),
      );
      if (lacking !== undefined) throw new OfficeError('conflict', `${document} cannot be compacted: ${lacking}.`);
      const later = [...stored.updates].filter(([clock]) => clock > throughClock);
      stored.updates.clear();
      for (const [clock, update] of [[throughClock, merged] as const, ...later]) stored.updates.set(clock, update);
    });
  }

  reopen(document: string): Promise<void> {
    return this.#commits.exclusive(async () => this.#commits.reopen(document));
  }

  close(): Promise<void> {
    return this.#commits.drain();
  }

  async #commit(batch: readonly PendingRecord[]): Promise<readonly Committed[]> {
    await this.#beforeCommit(batch);
    const refused = new Map<string, OfficeError>();
    return batch.map(({ document, update, meta }): Committed => {
      const refusal = refused.get(document);
      if (refusal !== undefined) return refusal;
      const stored = this.#documents.get(document) ?? {
        updates: new Map<number, Uint8Array>(),
        meta: new Map<string, Uint8Array>(),
        nextClock: 0,
        isDirty: false,
      };
      if (stored.nextClock === 0 && !isReadableUpdate(update)) {
        const error = new OfficeError('internal', `A change of ${document} is no Yjs update.`);
        refused.set(document, error);
        return error;
      }
      this.#documents.set(document, stored);
      stored.isDirty = true;
      stored.updates.set(stored.nextClock, update);
      for (const [key, value] of meta ?? []) stored.meta.set(key, value);
      return stored.nextClock++;
    });
  }
}
