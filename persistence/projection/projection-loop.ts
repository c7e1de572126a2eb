/**
 * The program of the projection thread: takes a batch, projects it, waits for the disk, answers.
 *
 * SQLite's own sync would come inside the transaction and keep every other writer of the office waiting for the disk. So
 * this connection writes with `synchronous = NORMAL` and syncs the write-ahead log itself, once the transaction is over
 * and its lock is free; what a batch caused is told only after that.
 */
import { closeSync, fdatasyncSync, openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { AccountNames } from '../accounts/account-names.ts';
import { openDatabase } from '../database.ts';
import { TurnStore } from '../turns/turn-store.ts';
import { EventLog } from './event-log.ts';
import { Projection } from './projection.ts';
import type { ProjectionAnswer, ProjectionRequest, ProjectionThreadData } from './projection-requests.ts';
import { SessionStore } from './session-store.ts';

/** Syncs the write-ahead log of a database, which stays the same file for as long as anyone has the database open. */
class WriteAheadLogSync {
  readonly #file: string;
  #descriptor: number | null = null;

  constructor(databaseFile: string) {
    this.#file = `${databaseFile}-wal`;
  }

  sync(): void {
    this.#descriptor ??= openSync(this.#file, 'r+');
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}

function serve(port: NonNullable<typeof parentPort>, { databaseFile, isSynced }: ProjectionThreadData): void {
  const database = openDatabase(databaseFile);
  database.pragma('synchronous = NORMAL');
  let nowMs = 0;
  const people = new AccountNames(database);
  const sessions = new SessionStore(database, (id) => people.nameOf(id));
  const turns = new TurnStore({ database, lookup: (session, id) => sessions.entry(session, id), now: () => nowMs });
  const projection = new Projection({
    database,
    events: new EventLog(database, (id) => sessions.get(id)),
    derivations: [turns],
    people: (id) => people.nameOf(id),
  });
  const wal = new WriteAheadLogSync(databaseFile);
  const answer = (message: ProjectionAnswer): void => port.postMessage(message);
  port.on('message', (request: ProjectionRequest | null) => {
    if (request === null) {
      wal.close();
      database.close();
      port.close();
      return;
    }
    try {
      const startedAt = performance.now();
      nowMs = request.nowMs;
      const { batch, rebuild } = request;
      const result = rebuild === null ? projection.project(batch) : projection.rebuildSession(rebuild, batch);
      const workMs = performance.now() - startedAt;
      if (isSynced) wal.sync();
      answer(result ? { kind: 'projected', result, workMs } : { kind: 'moved' });
    } catch (error) {
      answer({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
    }
  });
  answer({ kind: 'ready' });
}

// reason: this module is begun by `ProjectionThread` alone, which hands it just this
if (parentPort) serve(parentPort, workerData as ProjectionThreadData);
