// A running office: lock, client, server, agents, until it is stopped.
import { join } from 'node:path';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import type { BuildOutcome } from './client-build.ts';
import type { LauncherConfig } from './config.ts';
import { ControlPort } from './control-port.ts';
import { logsFolder, unwritableSentence } from './data-folder.ts';
import {
  type Holder,
  type LockOutcome,
  lockPath,
  makeNonce,
  releaseLock,
  rewriteLock,
  takeLock,
} from './one-instance-lock.ts';
import { agentsEnvironment, serverEnvironment } from './program-environment.ts';
import type { ProgramMessage } from './program-messages.ts';
import { RotatingLog } from './rotating-log.ts';
import type { ProgramName } from './settings-files.ts';
import { type ProgramBounds, type ProgramParts, SupervisedProgram } from './supervised-program.ts';

type Ready = Extract<ProgramMessage, { type: 'ready' }>;

export type OfficeParts = Readonly<{
  config: LauncherConfig;
  environment: Readonly<Record<string, string | undefined>>;
  root: string;
  /** Absolute paths of the two programs' main files. */
  entries: Readonly<Record<ProgramName, string>>;
  bounds: ProgramBounds;
  clientDist: string;
  /** Prints one line. */
  say: (line: string) => void;
  buildClient: (signal: AbortSignal) => Promise<BuildOutcome>;
  /** Sees to Ollama and answers what to tell of it. Runs beside the start, and never rejects. */
  seeToOllama: (signal: AbortSignal) => Promise<readonly string[]>;
  openBrowser: (url: string) => void;
}>;

export class Office {
  readonly #parts: OfficeParts;
  readonly #lockPath: string;
  readonly #nonce = makeNonce();
  readonly #stopping = new AbortController();
  readonly #over = Promise.withResolvers<number>();
  readonly #programs: SupervisedProgram[] = [];
  readonly #logs: RotatingLog[] = [];
  #address: string;
  #port: number;
  #serverUrl: string | null = null;
  #server: SupervisedProgram | null = null;

  constructor(parts: OfficeParts) {
    const { config } = parts;
    this.#parts = parts;
    this.#lockPath = lockPath(config.dataFolder);
    this.#port = config.server.port;
    this.#address = `${config.server.tls === null ? 'http' : 'https'}://${config.server.host}:${config.server.port}`;
  }

  /** Runs until `stop`, or until the office can't run; resolves with the exit code, all that it started having ended. */
  async run(): Promise<number> {
    const control = await ControlPort.open({
      nonce: this.#nonce,
      address: () => this.#address,
      onStop: () => this.stop(),
      onRestartServer: () => void this.#server?.restart(),
      onBackup: async ({ into, keep }) =>
        (await this.#server?.backUp(into, keep)) ?? { kind: 'failed', problem: 'The office is still starting.' },
    });
    try {
      const refusal = await this.#lock(control.port);
      if (refusal !== null) {
        this.#parts.say(refusal);
        return 1;
      }
      try {
        return await this.#runLocked(control.port);
      } finally {
        releaseLock(this.#lockPath, this.#nonce);
      }
    } finally {
      await control.close();
    }
  }

  /** Begins the orderly end of `run`. May be called at any time, and again. */
  stop(): void {
    this.#end(0);
  }

  /** Ends both programs at once and gives the lock back; the caller exits. */
  force(): void {
    for (const program of this.#programs) program.kill();
    releaseLock(this.#lockPath, this.#nonce);
  }

  async #lock(controlPort: number): Promise<string | null> {
    const { dataFolder } = this.#parts.config;
    try {
      const outcome = await takeLock(this.#lockPath, this.#holder(controlPort));
      return outcome.kind === 'taken' ? null : refusalOf(outcome, dataFolder);
    } catch (error) {
      return unwritableSentence(dataFolder, error);
    }
  }

  async #runLocked(controlPort: number): Promise<number> {
    const { buildClient, seeToOllama, say } = this.#parts;
    const ollama = seeToOllama(this.#stopping.signal);
    const build = await buildClient(this.#stopping.signal);
    if (build.kind === 'failed') {
      say(`${build.output}\nThe client could not be built; the builder's own words are above.`);
      this.#end(1);
    }
    if (!this.#stopping.signal.aborted) this.#startPrograms(controlPort);
    const told = ollama.then((lines) => lines.forEach(say));

    const exitCode = await this.#over.promise;
    // The agents first: they give their turns back while the server still listens.
    for (const program of this.#programs.toReversed()) await program.stop();
    await told;
    for (const log of this.#logs) log.close();
    return exitCode;
  }

  #startPrograms(controlPort: number): void {
    const { config, environment, root, clientDist } = this.#parts;
    const { dataFolder } = config;
    const server = this.#program('server', {
      environment: () =>
        serverEnvironment({ environment, root, dataFolder, clientDist, settings: config.server, port: this.#port }),
      onReady: (message) => this.#serverIsReady(message, controlPort, agents),
      onFatal: (message) => {
        this.#parts.say(message);
        this.#end(1);
      },
    });
    const agents = this.#program('agents', {
      environment: () =>
        agentsEnvironment({ environment, root, dataFolder, settings: config.agents, serverUrl: this.#serverUrl ?? '' }),
      onReady: () => undefined,
      onFatal: (message) => this.#parts.say(`The agents don't run: ${message}`),
    });
    this.#server = server;
    server.start();
  }

  #program(name: ProgramName, rest: Pick<ProgramParts, 'environment' | 'onReady' | 'onFatal'>): SupervisedProgram {
    const { config, entries, bounds, say } = this.#parts;
    const log = new RotatingLog(join(logsFolder(config.dataFolder), `${name}.log`), say);
    const program = new SupervisedProgram({
      name,
      entry: entries[name],
      log,
      bounds,
      onRestart: ({ how, delayMs }) =>
        say(`The ${name} ended by itself (${how}) and starts again in ${delayMs / 1000} s; ${log.path} says more.`),
      ...rest,
    });
    this.#logs.push(log);
    this.#programs.push(program);
    return program;
  }

  #serverIsReady(message: Ready, controlPort: number, agents: SupervisedProgram): void {
    const { config, say, openBrowser } = this.#parts;
    if (this.#stopping.signal.aborted) return;
    const before = this.#serverUrl;
    this.#address = message.address ?? this.#address;
    this.#serverUrl = message.internalUrl ?? this.#address;
    this.#port = portOf(this.#address) ?? this.#port;
    rewriteLock(this.#lockPath, this.#holder(controlPort));
    if (before !== null) {
      say('The server is back.');
      if (before !== this.#serverUrl) void agents.restart();
      return;
    }
    agents.start();
    say(`Daena is ready at ${this.#address} (${(performance.now() / 1000).toFixed(1)} s).`);
    if (message.ownerLink !== null) say(`Create the owner with this link, which works once: ${message.ownerLink}`);
    say(`Logs: ${logsFolder(config.dataFolder)}`);
    say('Stop: Ctrl-C here, or npm run stop.');
    if (config.opensBrowser) openBrowser(message.ownerLink ?? this.#address);
  }

  #holder(controlPort: number): Holder {
    return { pid: process.pid, address: this.#address, controlPort, nonce: this.#nonce };
  }

  #end(exitCode: number): void {
    this.#over.resolve(exitCode);
    this.#stopping.abort();
  }
}

function refusalOf(outcome: Exclude<LockOutcome, { kind: 'taken' }>, dataFolder: string): string {
  switch (outcome.kind) {
    case 'held':
      return `Daena runs already on ${dataFolder}, at ${outcome.address} (process ${outcome.holder.pid}); npm run stop ends it.`;
    case 'silent':
      return `Process ${outcome.holder.pid} holds ${dataFolder} and does not answer: end that process and start again.`;
    case 'unreadable':
      return `The lock ${outcome.path} can't be read: if no office runs on this folder, delete that file and start again.`;
    default:
      return unreachable(outcome);
  }
}

/** Null where an address names no port. */
function portOf(address: string): number | null {
  if (!URL.canParse(address)) return null;
  const { port } = new URL(address);
  return port === '' ? null : Number(port);
}
