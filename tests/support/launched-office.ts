// The whole office as `npm start` runs it, once everything is installed.
import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..', '..');
const PRINT_TIMEOUT_MS = 30_000;

/** A launcher in a process of its own. What a test leaves running is killed after it; its programs end with it. */
export class LaunchedOffice {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';

  constructor(dataFolder: string, port: number) {
    const machine = Object.entries(process.env).filter(([name]) => !/^(DAENA_|OLLAMA_)/.test(name));
    const args = [join(ROOT, 'scripts', 'start.ts'), '--no-open', '--data', dataFolder, '--port', String(port)];
    this.#child = spawn(process.execPath, args, {
      env: Object.fromEntries(machine),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: string) => {
      this.#output += chunk;
    };
    this.#child.stdout?.setEncoding('utf8').on('data', keep);
    this.#child.stderr?.setEncoding('utf8').on('data', keep);
    this.#ended = new Promise((done) => this.#child.once('close', done));
    onTestFinished(async () => {
      this.#child.kill('SIGKILL');
      await this.#ended;
    });
  }

  /** Waits for a printed line; answers the first group of the pattern, or all that it matches. */
  async printed(pattern: RegExp): Promise<string> {
    const deadline = AbortSignal.timeout(PRINT_TIMEOUT_MS);
    const { promise, resolve: look, reject } = Promise.withResolvers<string>();
    const find = () => {
      const found = pattern.exec(this.#output);
      if (found) look(found[1] ?? found[0]);
    };
    const giveUp = () => reject(new Error(`no ${pattern} in what was printed: ${this.#output}`));
    this.#child.stdout?.on('data', find);
    this.#child.once('close', giveUp);
    deadline.addEventListener('abort', giveUp);
    find();
    try {
      return await promise;
    } finally {
      this.#child.stdout?.off('data', find);
      this.#child.off('close', giveUp);
    }
  }

  /** As Ctrl-C does; resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return this.#ended;
  }

  get output(): string {
    return this.#output;
  }
}
