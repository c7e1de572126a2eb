// npm run stop: asks the office that holds the data folder to stop, and waits until it is gone.
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { unreachable } from '../sync-server/protocol/unreachable.ts';
import { dataFolderOf } from './launcher/config.ts';
import { askControlPort } from './launcher/control-port.ts';
import { readFlags } from './launcher/flags.ts';
import { type Holder, lockPath, readLock } from './launcher/one-instance-lock.ts';

const ANSWER_TIMEOUT_MS = 5_000;
/** Longer than the office may take: each of its two programs has 15 s before it is killed. */
const GONE_TIMEOUT_MS = 40_000;
const POLL_MS = 50;

async function stopDaena(args: readonly string[]): Promise<number> {
  const { flags, problems } = readFlags(args);
  if (problems.length > 0) return tell(problems.join('\n'), 1);
  const dataFolder = dataFolderOf(flags, process.env, resolve(import.meta.dirname, '..'));
  const path = lockPath(dataFolder);
  const reading = readLock(path);
  switch (reading.kind) {
    case 'none':
      return tell(`Daena does not run on ${dataFolder}.`, 0);
    case 'unreadable':
      return tell(`The lock ${path} can't be read.`, 1);
    case 'holder':
      return stopHolder(path, reading.holder);
    default:
      return unreachable(reading);
  }
}

async function stopHolder(path: string, holder: Holder): Promise<number> {
  const { controlPort: port, nonce, pid } = holder;
  const answer = await askControlPort({ port, nonce, command: 'stop', timeoutMs: ANSWER_TIMEOUT_MS });
  switch (answer.kind) {
    case 'gone':
      return tell(
        `Daena does not run any more; process ${pid} ended without giving ${path} back. The next start takes it.`,
        0,
      );
    case 'silent':
      return tell(`Process ${pid} holds ${path} and does not answer.`, 1);
    case 'answered': {
      const isGone = await waitUntilGone(path, nonce);
      return isGone ? tell('Daena has stopped.', 0) : tell(`Process ${pid} was asked to stop and still runs.`, 1);
    }
    default:
      return unreachable(answer);
  }
}

async function waitUntilGone(path: string, nonce: string): Promise<boolean> {
  const deadline = performance.now() + GONE_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const reading = readLock(path);
    if (reading.kind === 'none' || (reading.kind === 'holder' && reading.holder.nonce !== nonce)) return true;
    await pause(POLL_MS);
  }
  return false;
}

function tell(line: string, exitCode: number): number {
  process.stdout.write(`${line}\n`);
  return exitCode;
}

process.exitCode = await stopDaena(process.argv.slice(2));
