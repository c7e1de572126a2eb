import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import { ControlPort } from './control-port.ts';
import { type Holder, type LockOutcome, lockPath, makeNonce, releaseLock, takeLock } from './one-instance-lock.ts';

/**
 * Runs a tool in the place of the office: none starts on the data folder meanwhile. Answers what the tool answers, or
 * who holds the folder. `npm run stop` aborts the signal.
 * @param tool what a start that comes meanwhile is told, such as `npm run doctor`
 */
export async function whileStopped<Result>(
  dataFolder: string,
  tool: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Readonly<{ kind: 'done'; result: Result }> | Exclude<LockOutcome, { kind: 'taken' }>> {
  const path = lockPath(dataFolder);
  const nonce = makeNonce();
  const stopping = new AbortController();
  const control = await ControlPort.open({
    nonce,
    address: () => tool,
    onStop: () => stopping.abort(),
    onRestartServer: () => undefined,
  });
  try {
    const mine: Holder = { pid: process.pid, address: tool, controlPort: control.port, nonce };
    const outcome = await takeLock(path, mine);
    if (outcome.kind !== 'taken') return outcome;
    try {
      return { kind: 'done', result: await work(stopping.signal) };
    } finally {
      releaseLock(path, nonce);
    }
  } finally {
    await control.close();
  }
}

/** Why a tool cannot work on a data folder, as one sentence. */
export function heldSentence(outcome: Exclude<LockOutcome, { kind: 'taken' }>, dataFolder: string): string {
  switch (outcome.kind) {
    case 'held':
      return `An office runs on ${dataFolder} (${outcome.address}): stop it first with npm run stop.`;
    case 'silent':
      return `Process ${outcome.holder.pid} holds ${dataFolder} and does not answer: end it first.`;
    case 'unreadable':
      return `The lock ${outcome.path} can't be read: if no office runs on this folder, delete that file.`;
    default:
      return unreachable(outcome);
  }
}
