// Probe Ollama; where it is installed here and doesn't answer, start it and wait with a bound.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { findOllama } from '../../agents/model/find-ollama.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';

const PROBE_TIMEOUT_MS = 1_000;
const POLL_MS = 500;
const START_TIMEOUT_MS = 30_000;

type Environment = Readonly<Record<string, string | undefined>>;
type Command = Readonly<{ program: string; args: readonly string[] }>;

export type OllamaAddress = Readonly<{
  /** Names its port, and ends without a slash. */
  url: string;
  /** Whether it is this machine. */
  isLocal: boolean;
  /** Whether OLLAMA_HOST names it. The rehearsal model never stands in for an Ollama that somebody chose. */
  isChosen: boolean;
}>;

export type OllamaOutcome =
  | Readonly<{ kind: 'answers'; url: string }>
  | Readonly<{ kind: 'started'; url: string }>
  | Readonly<{ kind: 'not-installed' }>
  /** Nothing answers at OLLAMA_HOST, and it is not ours to start. */
  | Readonly<{ kind: 'away'; url: string }>
  | Readonly<{ kind: 'failed'; program: string; step: string }>
  /** The office was stopped meanwhile. */
  | Readonly<{ kind: 'aborted' }>;

export type OllamaParts = Readonly<{
  address: OllamaAddress;
  environment: Environment;
  /** How Ollama is started here, or null where it is not installed. */
  command: Command | null;
  signal: AbortSignal;
  startTimeoutMs?: number;
}>;

/** Never rejects, and takes at most about `startTimeoutMs` (30 s). An Ollama that it starts outlives us. */
export async function ensureOllama(parts: OllamaParts): Promise<OllamaOutcome> {
  const { address, command, signal } = parts;
  const { url } = address;
  if (await answers(url, signal)) return { kind: 'answers', url };
  if (signal.aborted) return { kind: 'aborted' };
  if (!address.isLocal || (command === null && address.isChosen)) return { kind: 'away', url };
  if (command === null) return { kind: 'not-installed' };

  const { program } = command;
  let end: string | null = null;
  const child = spawn(program, command.args, {
    detached: true,
    stdio: 'ignore',
    windowsHide: true,
    env: { ...parts.environment, OLLAMA_HOST: url },
  });
  child.once('error', (error) => {
    end = `it could not be started: ${error.message}`;
  });
  child.once('exit', (code, by) => {
    // `open` on macOS ends well at once and leaves the application running.
    if (code !== 0) end = `\`${[program, ...command.args].join(' ')}\` ended with ${by ?? `exit code ${code}`}`;
  });
  child.unref();

  const deadline = performance.now() + (parts.startTimeoutMs ?? START_TIMEOUT_MS);
  while (performance.now() < deadline && end === null) {
    if (await answers(url, signal)) return { kind: 'started', url };
    if (signal.aborted) return { kind: 'aborted' };
    await pause(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  return { kind: 'failed', program, step: end ?? `it was started, but did not answer at ${url} in time` };
}

/** How Ollama is started on this machine, or null where it is not installed (the agents look in the same places). */
export async function ollamaCommand(): Promise<Command | null> {
  if (process.platform === 'darwin' && existsSync('/Applications/Ollama.app')) {
    return { program: 'open', args: ['-j', '-a', 'Ollama', '--args', 'hidden'] };
  }
  const program = await findOllama();
  return program === null ? null : { program, args: ['serve'] };
}

/** The one or two lines that tell the user how Ollama is; none after an abort. */
export function describeOllama(outcome: OllamaOutcome): string[] {
  switch (outcome.kind) {
    case 'answers':
      return [`Ollama answers at ${outcome.url}.`];
    case 'started':
      return [`Ollama was started and answers at ${outcome.url}; it is left running when Daena stops.`];
    case 'not-installed':
      return ['Ollama is not installed, so the rehearsal model answers; for real models get it at https://ollama.com.'];
    case 'away':
      return [`No Ollama answers at ${outcome.url} (OLLAMA_HOST); messages to agents wait until one does.`];
    case 'failed':
      return [`Ollama (${outcome.program}) does not run: ${outcome.step}. Messages to agents wait until it does.`];
    case 'aborted':
      return [];
    default:
      return unreachable(outcome);
  }
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]);
    const response = await fetch(`${url}/api/version`, { signal: limit });
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Refused, timed out or aborted: it doesn't answer.
    return false;
  }
}
