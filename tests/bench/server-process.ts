import { type ChildProcess, fork } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** A server has this long to say that it listens, in ms: with a long log to catch up with it needs a while. */
const READY_MS = 120_000;
/** A server that was asked to stop is killed after this, in ms. */
const STOP_MS = 20_000;

const PROBE = join(import.meta.dirname, 'servers', 'usage-probe.mjs');

const readySchema = z.object({ type: z.literal('ready'), address: z.string() });
const usageSchema = z.object({
  type: z.literal('bench:usage'),
  id: z.number(),
  /** User and system time of all threads since the start. */
  cpuMicros: z.number(),
  rssBytes: z.number(),
  /** Heap in use and what it holds outside (buffers). */
  heldBytes: z.number(),
});
export type Usage = z.infer<typeof usageSchema>;

export interface ServerCommand {
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** Where its output goes. */
  readonly logFile: string;
}

/** A server in a process of its own, asked over IPC for what it used. */
export class ServerProcess {
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #lastId = 0;

  private constructor(child: ChildProcess, address: string, ended: Promise<void>) {
    this.#child = child;
    this.address = address;
    this.#ended = ended;
  }

  /** Resolves when the server listens; rejects where it ends or stays silent. */
  static async start(command: ServerCommand): Promise<ServerProcess> {
    const machine = Object.entries(process.env).filter(([name]) => !/^(DAENA_|OLLAMA_|NODE_OPTIONS)/.test(name));
    const child = fork(command.script, [...(command.args ?? [])], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: ['--expose-gc', '--import', PROBE, ...(command.nodeOptions ?? [])],
      env: { ...Object.fromEntries(machine), NODE_ENV: 'production', ...command.env },
    });
    const log = createWriteStream(command.logFile, { flags: 'a' });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => {
        log.end();
        resolve();
      });
    });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const timer = setTimeout(() => reject(new Error(`${command.script} does not answer`)), READY_MS);
    child.on('message', (message) => {
      const ready = readySchema.safeParse(message);
      if (ready.success) resolve(ready.data.address);
    });
    void ended.then(() => reject(new Error(`${command.script} ended; see ${command.logFile}`)));
    try {
      return new ServerProcess(child, await promise, ended);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** What the process has used; with `collect`, after a garbage collection. Rejects where it ended. */
  usage(options: { readonly collect?: boolean } = {}): Promise<Usage> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const listen = (message: unknown): void => {
        const usage = usageSchema.safeParse(message);
        if (!usage.success || usage.data.id !== id) return;
        this.#child.off('message', listen);
        resolve(usage.data);
      };
      this.#child.on('message', listen);
      void this.#ended.then(() => reject(new Error('the server ended')));
      this.#child.send({ type: 'bench:usage', id, collect: options.collect ?? false });
    });
  }

  /** Asks the server to end, and ends it where it does not. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  /** Gone at once, as if the machine had killed it. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
