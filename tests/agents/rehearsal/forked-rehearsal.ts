import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, ControlOrder, ControlReport } from '../../../agents/rehearsal/control-messages.ts';
import type { ScriptedFault } from '../../../agents/rehearsal/rehearsal-control.ts';

const MAIN = fileURLToPath(new URL('../../../agents/rehearsal/main.ts', import.meta.url));
const START_TIMEOUT_MS = 10_000;

export type ForkedRehearsal = {
  /** What a worker is given as OLLAMA_HOST. */
  readonly url: string;
  script(scripted: ScriptedFault): Promise<ControlReport>;
  release(): Promise<ControlReport>;
  reset(): Promise<ControlReport>;
  install(model: string): Promise<ControlReport>;
  remove(model: string): Promise<ControlReport>;
  report(): Promise<ControlReport>;
  /** Resolves with the exit code. Idempotent. */
  stop(): Promise<number | null>;
};

/** The rehearsal server as a process of its own, controlled over IPC. Without a pace it answers at once. */
export async function forkRehearsal(pace: { chunkDelayMs?: number; loadMs?: number } = {}): Promise<ForkedRehearsal> {
  const child = fork(MAIN, [], {
    env: {
      ...process.env,
      DAENA_REHEARSAL_PORT: '0',
      DAENA_REHEARSAL_CHUNK_MS: String(pace.chunkDelayMs ?? 0),
      DAENA_REHEARSAL_LOAD_MS: String(pace.loadMs ?? 0),
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const waiting = new Map<number, (report: ControlReport) => void>();
  const ready = Promise.withResolvers<string>();
  let nextId = 0;

  // reason: the child is our own program, and its messages are typed where it sends them.
  child.on('message', (raw) => {
    const message = raw as ChildMessage;
    if (message.type === 'ready') return ready.resolve(message.url);
    waiting.get(message.id)?.(message.report);
    waiting.delete(message.id);
  });
  void exited.then((code) => ready.reject(new Error(`the rehearsal server ended with ${code}`)));
  const timer = setTimeout(
    () => ready.reject(new Error('the rehearsal server did not start in time')),
    START_TIMEOUT_MS,
  );

  const order = (what: ControlOrder): Promise<ControlReport> => {
    const id = nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<ControlReport>();
    waiting.set(id, resolve);
    child.send({ type: 'control', id, order: what }, (error) => {
      if (error) reject(error);
    });
    return promise;
  };
  const stop = () => {
    if (child.connected) child.send({ type: 'stop' });
    return exited;
  };

  try {
    const url = await ready.promise;
    return {
      url,
      script: (scripted) => order({ kind: 'script', scripted }),
      release: () => order({ kind: 'release' }),
      reset: () => order({ kind: 'reset' }),
      install: (model) => order({ kind: 'install', model }),
      remove: (model) => order({ kind: 'remove', model }),
      report: () => order({ kind: 'report' }),
      stop,
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
