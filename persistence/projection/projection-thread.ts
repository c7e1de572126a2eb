import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import type { SessionId } from '../../sync-server/protocol/ids.ts';
import type { CommittedEntries } from './committed-entries.ts';
import type { ProjectedBatch } from './projection.ts';
import type { ProjectionAnswer, ProjectionRequest, ProjectionThreadData } from './projection-requests.ts';

/** Heap of the thread, in MiB: a batch and SQLite's statements need a fraction. */
const MAX_HEAP_MB = 256;

export interface TimedBatch {
  readonly result: ProjectedBatch;
  /** What projecting it cost, in ms, without the wait for the disk. */
  readonly workMs: number;
}

interface Waiting {
  readonly resolve: (timed: TimedBatch | null) => void;
  readonly reject: (error: OfficeError) => void;
}

/**
 * The projection in a thread and on a SQLite connection of its own, so that neither its statements nor its disk keep the
 * sockets waiting. It is begun when it is needed, and again should it ever die.
 */
export class ProjectionThread {
  readonly #data: ProjectionThreadData;
  #thread: Promise<Worker> | null = null;
  #waiting: Waiting | null = null;
  #tail: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(data: ProjectionThreadData) {
    this.#data = data;
  }

  /**
   * Projects a batch; what it caused is on the disk when this resolves. Rejects with `storage`: nothing of the batch is
   * there then, or, where the thread died, perhaps all of it; projecting it again is right in both cases.
   */
  async project(batch: readonly CommittedEntries[], nowMs: number): Promise<TimedBatch> {
    const timed = await this.#inLine({ rebuild: null, batch, nowMs });
    if (!timed) throw new Error('a batch is projected or fails');
    return timed;
  }

  /**
   * Makes a session's rows anew from all that its log holds. Answers null, having changed nothing, where the database knows
   * more of it by now. Rejects as `project` does.
   */
  async rebuild(
    sessionId: SessionId,
    segments: readonly CommittedEntries[],
    nowMs: number,
  ): Promise<ProjectedBatch | null> {
    return (await this.#inLine({ rebuild: sessionId, batch: segments, nowMs }))?.result ?? null;
  }

  /** The thread takes one request at a time; the projector and a rebuild may both have one. */
  #inLine(request: ProjectionRequest): Promise<TimedBatch | null> {
    const answer = this.#tail.then(() => this.#ask(request));
    this.#tail = answer.then(
      () => undefined,
      () => undefined,
    );
    return answer;
  }

  async #ask(request: ProjectionRequest): Promise<TimedBatch | null> {
    if (this.#isClosed) throw new OfficeError('restarting', 'the projection is closed');
    this.#thread ??= this.#begin();
    const thread = await this.#thread;
    try {
      const { promise, resolve, reject } = Promise.withResolvers<TimedBatch | null>();
      this.#waiting = { resolve, reject };
      thread.postMessage(request);
      return await promise;
    } finally {
      this.#waiting = null;
    }
  }

  /** Lets go of the database. Call it when nothing is being projected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const thread = await this.#thread?.catch(() => null);
    if (!thread) return;
    thread.ref();
    const exited = once(thread, 'exit');
    thread.postMessage(null);
    await exited;
  }

  async #begin(): Promise<Worker> {
    const thread = new Worker(new URL('./projection-loop.ts', import.meta.url), {
      workerData: this.#data,
      name: 'projection',
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    let isDead = false;
    const died = (reason: string): void => {
      // An error is followed by the exit: by then another thread may have begun in this one's place.
      if (isDead) return;
      isDead = true;
      this.#thread = null;
      this.#waiting?.reject(new OfficeError('storage', `the projection thread ended: ${reason}`));
    };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    thread.on('message', (answer: ProjectionAnswer) => {
      if (answer.kind === 'ready') resolve();
      else if (answer.kind === 'moved') this.#waiting?.resolve(null);
      else if (answer.kind === 'failed') this.#waiting?.reject(new OfficeError('storage', answer.reason));
      else this.#waiting?.resolve({ result: answer.result, workMs: answer.workMs });
    });
    thread.on('error', (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      died(reason);
      reject(new OfficeError('storage', `the projection thread could not begin: ${reason}`));
    });
    thread.on('exit', (code) => {
      if (!this.#isClosed) died(`code ${code}`);
    });
    // It must not keep a process alive that has nothing else to do.
    thread.unref();
    await promise;
    return thread;
  }
}
