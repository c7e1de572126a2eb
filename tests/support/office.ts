import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { OfficeCaller } from './office-caller.ts';
import { OWNER, type Signed, signIn } from './office-people.ts';
import { tempFolder } from './temp-folder.ts';

const MAIN = new URL('../../sync-server/main.ts', import.meta.url).pathname;
const READY_MS = 40_000;

const saidSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ready'),
    address: z.string(),
    internalUrl: z.string(),
    ownerLink: z.string().nullable(),
  }),
  z.object({ type: z.literal('fatal'), message: z.string() }),
]);
type Ready = Extract<z.infer<typeof saidSchema>, { type: 'ready' }>;

export interface OfficeSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly dataFolder?: string;
  /** Another program in place of the server's. */
  readonly main?: string;
}

/** A server in a process of its own, with an owner; it ends with the test. */
export class RunningOffice {
  readonly dataFolder: string;
  readonly #env: Record<string, string>;
  readonly #main: string;
  #child: ChildProcess | null = null;
  #ready: Ready | null = null;
  /** What it wrote to its log, since the first start. */
  output = '';

  constructor(settings: OfficeSettings) {
    this.dataFolder = settings.dataFolder ?? tempFolder();
    this.#main = settings.main ?? MAIN;
    this.#env = {
      PATH: process.env.PATH ?? '',
      DAENA_DATA: this.dataFolder,
      DAENA_PORT: '0',
      DAENA_OWNER_EMAIL: OWNER.email,
      DAENA_OWNER_PASSWORD: OWNER.password,
      ...settings.env,
    };
  }

  get url(): string {
    return this.#said.address;
  }

  get internalUrl(): string {
    return this.#said.internalUrl;
  }

  get ownerLink(): string | null {
    return this.#said.ownerLink;
  }

  get nobody(): OfficeCaller {
    return new OfficeCaller(() => this.url);
  }

  get #said(): Ready {
    if (!this.#ready) throw new Error('the office is not running');
    return this.#ready;
  }

  signIn(credentials?: { email: string; password: string }): Promise<Signed> {
    return signIn(() => this.url, credentials);
  }

  /** Starts the process; where it ran before, on the same port. Rejects with the sentence of a fatal start. */
  async start(): Promise<void> {
    const port = this.#ready ? new URL(this.#ready.address).port : undefined;
    const child = fork(this.#main, [], {
      execPath: process.execPath,
      execArgv: [],
      env: { ...this.#env, ...(port !== undefined && { DAENA_PORT: port }) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (this.output += String(bytes)));
    const [message] = await Promise.race([
      once(child, 'message', { signal: AbortSignal.timeout(READY_MS) }),
      once(child, 'exit').then(([code]) => [{ type: 'fatal', message: `it ended with ${code}: ${this.output}` }]),
    ]);
    const said = saidSchema.parse(message);
    if (said.type === 'fatal') throw new Error(said.message);
    this.#ready = said;
  }

  /** Ends it as a power cut would, without a word. */
  kill9(): Promise<void> {
    return this.#end('SIGKILL').then(() => undefined);
  }

  /** Says something to the process over IPC. */
  tell(message: object): void {
    this.#child?.send(message);
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  /** Asks it to stop; answers its exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exit = once(child, 'exit');
    child.kill(signal);
    const [code] = await exit;
    return code;
  }
}

export async function startOffice(settings: OfficeSettings = {}): Promise<RunningOffice> {
  const office = new RunningOffice(settings);
  onTestFinished(() => office.kill9());
  await office.start();
  return office;
}
