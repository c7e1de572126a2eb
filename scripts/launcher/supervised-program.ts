// One program that is kept running.
//
//   starting -> running -> (it ends) -> waiting -> starting ...
//      any state -> stopping -> ended          starting, running -> (it says fatal) -> ended
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { type BackupOutcome, FATAL_EXIT_CODE, type ProgramMessage, readProgramMessage } from './program-messages.ts';
import type { RotatingLog } from './rotating-log.ts';

type Ready = Extract<ProgramMessage, { type: 'ready' }>;

export type ProgramBounds = Readonly<{
  firstDelayMs: number;
  /** Each restart in a row waits twice as long as the one before, up to this. */
  longestDelayMs: number;
  /** After this long in one piece the next restart is a first one again. */
  settledMs: number;
  /** From the request to stop until SIGTERM. */
  stopMs: number;
  /** From SIGTERM until SIGKILL. */
  termMs: number;
}>;

export const DEFAULT_BOUNDS: ProgramBounds = {
  firstDelayMs: 500,
  longestDelayMs: 30_000,
  settledMs: 60_000,
  stopMs: 12_000,
  termMs: 3_000,
};

export type ProgramParts = Readonly<{
  name: string;
  /** Absolute path of its TypeScript or JavaScript file. */
  entry: string;
  /** Everything that it sees of the environment; asked at each start. */
  environment: () => NodeJS.ProcessEnv;
  log: RotatingLog;
  bounds: ProgramBounds;
  onReady: (message: Ready) => void;
  /** It ended by itself and is started again after `delayMs`. */
  onRestart: (end: { how: string; delayMs: number }) => void;
  /** It said that it can't run. Called at most once; it is not started again. */
  onFatal: (message: string) => void;
}>;

/** Milliseconds before the n-th restart in a row (n from 0). */
export function restartDelayMs(bounds: ProgramBounds, restartsInARow: number): number {
  return Math.min(bounds.firstDelayMs * 2 ** Math.min(restartsInARow, 30), bounds.longestDelayMs);
}

export class SupervisedProgram {
  readonly #parts: ProgramParts;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #waiting: NodeJS.Timeout | null = null;
  #restartsInARow = 0;
  /** Who waits for the answer to which request; answered too when the program ends. */
  readonly #asked = new Map<string, (outcome: BackupOutcome) => void>();
  #isStopping = false;
  #hasFailed = false;

  constructor(parts: ProgramParts) {
    this.#parts = parts;
  }

  /** The process id while it runs. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    const { entry, environment, log } = this.#parts;
    this.#waiting = null;
    const startedAt = performance.now();
    // A session of its own, so that the terminal's Ctrl-C reaches only the launcher, which then stops it in order.
    const child = spawn(process.execPath, [entry], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    this.#child = child;
    let fatal: string | null = null;
    child.stdout?.on('data', (chunk: Buffer) => log.write(chunk));
    child.stderr?.on('data', (chunk: Buffer) => log.write(chunk));
    child.on('message', (value) => {
      const message = readProgramMessage(value);
      if (message?.type === 'fatal') fatal = message.message;
      if (message?.type === 'backup') this.#asked.get(message.request)?.(message.outcome);
      if (message?.type === 'ready') this.#parts.onReady(message);
    });
    this.#ended = new Promise((resolve) => {
      const end = (how: string, code: number | null) => {
        if (this.#child !== child) return;
        this.#child = null;
        for (const answer of this.#asked.values())
          answer({ kind: 'failed', problem: `The ${this.#parts.name} ended (${how}).` });
        if (performance.now() - startedAt >= this.#parts.bounds.settledMs) this.#restartsInARow = 0;
        resolve();
        if (code === FATAL_EXIT_CODE) fatal ??= `The ${this.#parts.name} can't run; ${log.path} says why.`;
        this.#afterEnd(how, fatal);
      };
      child.once('error', (error) => {
        // A process that runs also reports a signal or a message that didn't get through; that is no end.
        if (child.pid === undefined) end(error.message, null);
      });
      // 'close' rather than 'exit': its last words are in the log then.
      child.once('close', (code, signal) => end(signal === null ? `exit code ${code}` : signal, code));
    });
  }

  /** Asks it to stop, then insists; resolves when it has ended. It is not started again. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#waiting !== null) clearTimeout(this.#waiting);
    await this.#endChild();
  }

  /** Asks it for a backup; resolves when that is whole, or with why there is none. Never rejects; the program bounds it. */
  async backUp(into: string, keep: number): Promise<BackupOutcome> {
    const child = this.#child;
    if (!child?.connected) return { kind: 'failed', problem: `The ${this.#parts.name} does not run just now.` };
    const request = randomUUID();
    const answered = Promise.withResolvers<BackupOutcome>();
    this.#asked.set(request, answered.resolve);
    child.send({ type: 'backup', request, into, keep }, (error) => {
      if (error !== null) answered.resolve({ kind: 'failed', problem: error.message });
    });
    try {
      return await answered.promise;
    } finally {
      this.#asked.delete(request);
    }
  }

  /** Ends it in the same way; it is then started again as after any end. Never rejects. */
  async restart(): Promise<void> {
    await this.#endChild();
  }

  /** Ends it at once. */
  kill(): void {
    this.#isStopping = true;
    if (this.#waiting !== null) clearTimeout(this.#waiting);
    this.#child?.kill('SIGKILL');
  }

  async #endChild(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const { stopMs, termMs } = this.#parts.bounds;
    const term = setTimeout(() => child.kill('SIGTERM'), stopMs);
    const kill = setTimeout(() => child.kill('SIGKILL'), stopMs + termMs);
    if (child.connected) {
      child.send({ type: 'stop' }, (error) => {
        if (error !== null) child.kill('SIGTERM');
      });
    } else {
      child.kill('SIGTERM');
    }
    await this.#ended;
    clearTimeout(term);
    clearTimeout(kill);
  }

  #afterEnd(how: string, fatal: string | null): void {
    if (this.#hasFailed) return;
    if (fatal !== null) {
      this.#hasFailed = true;
      this.#parts.onFatal(fatal);
      return;
    }
    if (this.#isStopping) return;
    const delayMs = restartDelayMs(this.#parts.bounds, this.#restartsInARow);
    this.#restartsInARow += 1;
    this.#waiting = setTimeout(() => this.start(), delayMs);
    this.#parts.onRestart({ how, delayMs });
  }
}
