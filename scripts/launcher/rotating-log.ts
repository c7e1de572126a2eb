import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { reasonOf } from './error-code.ts';

export type LogLimits = Readonly<{ sizeBytes: number; oldFiles: number }>;

/** 5 MiB and three older files: weeks of an office's log, and 20 MiB of disk at most for each program. */
const DEFAULT_LIMITS: LogLimits = { sizeBytes: 5 * 1024 * 1024, oldFiles: 3 };

/**
 * A log file of bounded size: when it is full, `server.log` becomes `server.log.1`, that `server.log.2`, and so on.
 * `write` never throws: on a full disk what doesn't fit is lost, and `onTrouble` hears of it once until it is over.
 */
export class RotatingLog {
  readonly path: string;
  readonly #limits: LogLimits;
  readonly #onTrouble: (reason: string) => void;
  #file: number;
  #sizeBytes: number;
  #isInTrouble = false;

  /** Throws if the file can't be opened. */
  constructor(path: string, onTrouble: (reason: string) => void, limits: LogLimits = DEFAULT_LIMITS) {
    this.path = path;
    this.#limits = limits;
    this.#onTrouble = onTrouble;
    this.#file = openSync(path, 'a', 0o600);
    this.#sizeBytes = fstatSync(this.#file).size;
  }

  write(chunk: Uint8Array): void {
    try {
      if (this.#sizeBytes > 0 && this.#sizeBytes + chunk.length > this.#limits.sizeBytes) this.#rotate();
      writeSync(this.#file, chunk);
      this.#sizeBytes += chunk.length;
      this.#isInTrouble = false;
    } catch (error) {
      if (!this.#isInTrouble) this.#onTrouble(`The log ${this.path} can't be written: ${reasonOf(error)}.`);
      this.#isInTrouble = true;
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #rotate(): void {
    const { oldFiles } = this.#limits;
    rmSync(`${this.path}.${oldFiles}`, { force: true });
    for (let n = oldFiles - 1; n >= 1; n -= 1) renameIfThere(`${this.path}.${n}`, `${this.path}.${n + 1}`);
    // Closed first: Windows doesn't rename an open file.
    closeSync(this.#file);
    renameIfThere(this.path, `${this.path}.1`);
    this.#file = openSync(this.path, 'a', 0o600);
    this.#sizeBytes = fstatSync(this.#file).size;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // Not there, or held open by a reader on Windows: the log goes on in the same file and is rotated later.
  }
}
