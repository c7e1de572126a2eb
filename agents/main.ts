import { readConfig, type WorkerConfig } from './config.ts';
import { Brain } from './model/brain.ts';
import { RehearsalServer } from './rehearsal/rehearsal-server.ts';
import { makeLeaseRunner } from './run-lease.ts';
import { readToken, waitForToken } from './token-file.ts';
import { Worker } from './worker.ts';

/** The exit code that says: starting again will not help (sysexits EX_CONFIG). */
const EXIT_CONFIG = 78;

const log = (sentence: string): void => console.log(`${new Date().toISOString()} ${sentence}`);

/** The agent worker as a process: supervised over IPC where it was forked, by signals where not. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  if ('wrong' in config) {
    refuse(config.wrong.join(' '));
    return;
  }
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('disconnect', stop);
  process.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'stop') stop();
  });
  process.exit(await work(config, stopping.signal));
}

/** Answers the exit code. */
async function work(config: WorkerConfig, signal: AbortSignal): Promise<number> {
  const { server, tokenFile, slots } = config;
  if (readToken(tokenFile) === null) log(`Waiting for the server to write the worker's token to ${tokenFile}.`);
  let token = await waitForToken(tokenFile, signal);
  if (signal.aborted) return 0;
  if (token === null) {
    log(`There is still no worker's token in ${tokenFile}.`);
    return 1;
  }
  const currentToken = (): string => {
    // A token that was replaced counts from the next connection on; while there is none to read the last one does.
    token = readToken(tokenFile) ?? token;
    return token ?? '';
  };
  const brain = new Brain({
    explicitHost: config.ollamaHost,
    wantedModel: config.model,
    startRehearsal: () => RehearsalServer.start({ onError: (error) => log(`The rehearsal model: ${String(error)}`) }),
  });
  const runLease = makeLeaseRunner({ server, token: currentToken, brain });
  const onFirstConnected = () => process.send?.({ type: 'ready' });
  const worker = new Worker({ server, token: currentToken, slots, brain, runLease, log, onFirstConnected });
  // Before the first look round it would only say that it knows nothing yet.
  await brain.start();
  await worker.run(signal);
  await brain.stop();
  log('Stopped.');
  return 0;
}

function refuse(sentence: string): void {
  console.error(sentence);
  process.exitCode = EXIT_CONFIG;
  if (!process.send) return;
  process.send({ type: 'fatal', message: sentence }, () => process.disconnect?.());
}

await main();
