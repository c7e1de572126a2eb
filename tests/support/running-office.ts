// The real programs on a temporary folder: server, agent worker and (as its Ollama) the rehearsal server.
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { clientDist } from '../../scripts/launcher/client-build.ts';
import { type ProgramMessage, readProgramMessage } from '../../scripts/launcher/program-messages.ts';
import { type ForkedRehearsal, forkRehearsal } from '../agents/rehearsal/forked-rehearsal.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const START_TIMEOUT_MS = 30_000;
/** Of a program's output, for the message of a start that failed. */
const OUTPUT_KEPT_CHARACTERS = 4_000;

export const OWNER = { email: 'ada@office.test', password: 'correct horse battery' } as const;

type Ready = Extract<ProgramMessage, { type: 'ready' }>;

/** One of the office's programs, forked: its IPC channel breaks with the test's process, which ends it. */
class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((done) => child.once('close', () => done()));
    const keep = (chunk: string) => {
      this.#output = (this.#output + chunk).slice(-OUTPUT_KEPT_CHARACTERS);
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
  }

  /** Resolves when it has said that it is ready. */
  static async start(
    entry: string,
    environment: NodeJS.ProcessEnv,
    args: readonly string[] = [],
  ): Promise<{ program: Program; ready: Ready }> {
    const child = fork(join(ROOT, entry), args, { env: environment, execArgv: [], silent: true });
    const program = new Program(child);
    const { promise, resolve: settle, reject } = Promise.withResolvers<Ready>();
    const refuse = (why: string) => reject(new Error(`${entry} ${why}; it printed: ${program.#output}`));
    child.on('message', (value) => {
      const message = readProgramMessage(value);
      if (message?.type === 'ready') settle(message);
      if (message?.type === 'fatal') refuse(message.message);
    });
    void program.#ended.then(() => refuse('ended before it was ready'));
    const timer = setTimeout(() => refuse('did not become ready in time'), START_TIMEOUT_MS);
    try {
      return { program, ready: await promise };
    } catch (error) {
      await program.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.send({ type: 'stop' });
    await this.#ended;
  }

  /** As a power cut would: no word of farewell. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** The environment without the settings of whoever runs the tests. */
function machineEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DAENA_|OLLAMA_)/.test(name)));
}

/** An office with an owner, whose model is scripted over `model`. Ends with `stop`. */
export class RunningOffice {
  readonly model: ForkedRehearsal;
  readonly #folder: string;
  readonly #segmentEntries: number | undefined;
  #server: Program | null = null;
  #worker: Program | null = null;
  #port = 0;
  #address = '';

  private constructor(model: ForkedRehearsal, segmentEntries: number | undefined) {
    this.model = model;
    this.#segmentEntries = segmentEntries;
    this.#folder = realpathSync(mkdtempSync(join(tmpdir(), 'daena-e2e-')));
  }

  /**
   * @param chunkDelayMs between two words of the model
   * @param segmentEntries after so many entries a segment is full; as in every office where it is not given
   */
  static async start({
    chunkDelayMs = 0,
    segmentEntries,
  }: {
    chunkDelayMs?: number;
    segmentEntries?: number;
  } = {}): Promise<RunningOffice> {
    if (!existsSync(join(clientDist(ROOT), 'index.html'))) throw new Error('build the client first: npm run build');
    const office = new RunningOffice(await forkRehearsal({ chunkDelayMs }), segmentEntries);
    try {
      await office.startServer();
      await office.startWorker();
      return office;
    } catch (error) {
      await office.stop();
      throw error;
    }
  }

  /** As browsers see it: `http://127.0.0.1:<port>`, the same after a restart. */
  get address(): string {
    return this.#address;
  }

  async startServer(): Promise<void> {
    const environment = {
      ...machineEnvironment(),
      DAENA_PORT: String(this.#port),
      DAENA_DATA: this.#folder,
      DAENA_CLIENT_DIST: clientDist(ROOT),
      DAENA_OWNER_EMAIL: OWNER.email,
      DAENA_OWNER_PASSWORD: OWNER.password,
    };
    const { program, ready } =
      this.#segmentEntries === undefined
        ? await Program.start(join('sync-server', 'main.ts'), environment)
        : await Program.start(join('tests', 'e2e', 'stand-ins', 'small-segments-server.ts'), environment, [
            String(this.#segmentEntries),
          ]);
    this.#server = program;
    this.#address = ready.address ?? this.#address;
    this.#port = Number(new URL(this.#address).port);
  }

  async startWorker(): Promise<void> {
    const { program } = await Program.start(join('agents', 'main.ts'), {
      ...machineEnvironment(),
      DAENA_SERVER: this.#address,
      DAENA_WORKER_TOKEN_FILE: join(this.#folder, 'worker.token'),
      OLLAMA_HOST: this.model.url,
    });
    this.#worker = program;
  }

  async killServer(): Promise<void> {
    await this.#server?.kill();
    this.#server = null;
  }

  async killWorker(): Promise<void> {
    await this.#worker?.kill();
    this.#worker = null;
  }

  async stop(): Promise<void> {
    await this.#worker?.stop();
    await this.#server?.stop();
    await this.model.stop();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
