import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { RehearsalServer } from '../../agents/rehearsal/rehearsal-server.ts';

const MAIN = join(resolve(import.meta.dirname, '..', '..'), 'agents', 'main.ts');
/** Between two words, in ms: slow enough to die in the middle of an answer. */
const CHUNK_MS = 10;

/** The agent worker as a process of its own that is killed at will; the model that it asks is scripted, and lives on. */
export class MortalWorker {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #model: RehearsalServer;
  #child: ChildProcess | null = null;

  private constructor(environment: NodeJS.ProcessEnv, model: RehearsalServer) {
    this.#environment = environment;
    this.#model = model;
  }

  /** For the office at this address. */
  static async open(office: { readonly url: string; readonly tokenFile: string }): Promise<MortalWorker> {
    const model = await RehearsalServer.start({ pace: { chunkDelayMs: CHUNK_MS, loadMs: 0 } });
    const machine = Object.entries(process.env).filter(([name]) => !/^(DAENA_|OLLAMA_)/.test(name));
    const worker = new MortalWorker(
      { ...Object.fromEntries(machine), DAENA_SERVER: office.url, OLLAMA_HOST: model.url },
      model,
    );
    worker.start(office.tokenFile);
    return worker;
  }

  start(tokenFile: string): void {
    this.#child = fork(MAIN, [], {
      env: { ...this.#environment, DAENA_WORKER_TOKEN_FILE: tokenFile },
      execArgv: [],
      stdio: 'ignore',
    });
  }

  /** Dies at once, whatever it was writing. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  async end(): Promise<void> {
    await this.kill();
    await this.#model.close();
  }
}
