import { readConfig } from './config.ts';
import { type ChildMessage, obey, parentMessage } from './control-messages.ts';
import { RehearsalControl } from './rehearsal-control.ts';
import { RehearsalServer } from './rehearsal-server.ts';

/** The exit code that says: starting again will not help (sysexits EX_CONFIG). */
const EXIT_CONFIG = 78;

/** The rehearsal server as a process of its own. A process that forks it controls it over IPC; nobody else can. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  if ('wrong' in config) return fail(config.wrong.join(' '));

  const isForked = process.send !== undefined;
  const control = new RehearsalControl();
  let server: RehearsalServer;
  try {
    server = await RehearsalServer.start({
      port: config.port,
      pace: {
        ...(config.chunkDelayMs === undefined ? {} : { chunkDelayMs: config.chunkDelayMs }),
        ...(config.loadMs === undefined ? {} : { loadMs: config.loadMs }),
      },
      ...(isForked ? { control } : {}),
      onError: (error) => console.error(error),
    });
  } catch (error) {
    return fail(`The rehearsal server cannot listen on port ${config.port}: ${String(error)}`);
  }

  const stop = () => {
    control.release();
    void server.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('disconnect', stop);
  process.on('message', (raw) => {
    const message = parentMessage.safeParse(raw);
    if (!message.success) return console.error(`not a message for the rehearsal server: ${message.error.message}`);
    if (message.data.type === 'stop') return stop();
    tell({ type: 'control-report', id: message.data.id, report: obey(message.data.order, control, server) });
  });
  console.log(server.url);
  tell({ type: 'ready', url: server.url });
}

function tell(message: ChildMessage): void {
  process.send?.(message);
}

function fail(sentence: string): void {
  console.error(sentence);
  process.exitCode = EXIT_CONFIG;
  process.disconnect?.();
}

await main();
