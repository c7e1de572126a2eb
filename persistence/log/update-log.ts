/**
 * The update log: for every document its updates, in order, and nothing else that must survive. A room shares a change
 * only after `append` resolved for it; the projection is derived from what `read` answers.
 *
 *     append ─► queue ─► one synced batch of many documents ─► resolves with the record's clock
 *                          │ failed: its documents are closed to appending until `reopen`
 */

export interface LogRecord {
  readonly document: string;
  /** A Yjs update (version 1). Must not be changed until `append` settled. */
  readonly update: Uint8Array;
  /** Values set in the same batch, by key (`c:<client id>` binds a client id). A later record replaces a key's value. */
  readonly meta?: ReadonlyMap<string, Uint8Array>;
}

export interface LoggedDocument {
  /** Readable updates in clock order. */
  readonly updates: readonly Uint8Array[];
  /** Clock that the next record gets; 0 for an unknown document. */
  readonly nextClock: number;
  readonly meta: ReadonlyMap<string, Uint8Array>;
  /**
   * Clocks whose record is missing or unreadable, ascending; empty in health. Later updates are then in `updates`
   * nevertheless, so applying them may leave structs pending: whoever loads the document must treat it as read-only.
   */
  readonly damaged: readonly number[];
}

export interface UpdateLog {
  /**
   * Resolves with the record's clock (0, 1, 2 ... per document) once it is durable. Records of one document get clocks
   * and become durable in call order; promises of one document settle in that order too.
   *
   * Rejects with `OfficeError('storage')` if its batch failed: then nothing of that batch is in the log, and every later
   * record of the batch's documents, queued or new, is rejected too until `reopen` (a gap must never be written). Where the
   * process dies right after such a failure, the whole refused batch may be found in the log at the next start: nobody
   * was shown it, and it is in order.
   * Rejects with `restarting` after `close`.
   */
  append(record: LogRecord): Promise<number>;
  /** What is durable of a document. Empty where unknown. Rejects with `storage` where the disk cannot be read at all. */
  read(document: string): Promise<LoggedDocument>;
  /** Documents with records later than what was marked projected, in no order. Survives kill -9: the mark is in the append's batch. */
  dirty(): Promise<readonly string[]>;
  /**
   * Says that the projection holds all records up to and including `throughClock`; forgets that the document is dirty if
   * no later record was appended. Not synced: after a power cut a document may be dirty again.
   */
  markProjected(document: string, throughClock: number): Promise<void>;
  /** Every document that has a record, in no order. */
  documents(): Promise<readonly string[]>;
  /**
   * Replaces the updates up to and including `throughClock` by `merged`, in one synced batch; clocks go on as before, and
   * `merged` takes the clock `throughClock`. The caller makes the merge (`Y.encodeStateAsUpdate` of a document that
   * applied them; `Y.mergeUpdates` is quadratic) and never goes past the projection's watermark.
   *
   * Rejects with `conflict`, changing nothing, where `merged` lacks a struct of what it replaces, where one of those
   * records is damaged, or where `throughClock` is not in the log; with `storage` if the batch failed.
   */
  compact(document: string, throughClock: number, merged: Uint8Array): Promise<void>;
  /** Lets a document be appended to again after a failed batch; the next clock is read from the disk. Rejects with `storage` while the disk still fails. */
  reopen(document: string): Promise<void>;
  /**
   * Copies all that is durable at this moment into an empty folder, as a log of the same form that is on the disk when
   * this resolves; appending goes on meanwhile. Every document of the copy is dirty, so that whoever opens it beside an
   * older projection projects what that lacks. Absent where a log has no form on a disk.
   * Rejects with `storage` where it cannot be read or written, and with the signal's reason; the folder is then rubbish.
   */
  copyTo?(folder: string, signal: AbortSignal): Promise<void>;
  /** Writes what is queued, then lets go of the folder. Idempotent. */
  close(): Promise<void>;
}
