// Stands in for the server: says what a server says to its launcher, in the way that STAND_IN_SERVER names.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const dataFolder = process.env.DAENA_DATA ?? '';
const mode = process.env.STAND_IN_SERVER ?? 'well';
appendFileSync(join(dataFolder, 'server.pids'), `${process.pid}\n`);
writeFileSync(join(dataFolder, 'server.seen.json'), JSON.stringify(process.env));
process.stdout.write(`server ${process.pid} starts\n`);

process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => {
  if (mode !== 'stubborn') process.exit(0);
});
process.on('message', (message) => {
  process.stdout.write(`server hears ${JSON.stringify(message)}\n`);
  if (mode !== 'stubborn') process.exit(0);
});

if (mode.startsWith('fatal')) {
  process.send?.({ type: 'fatal', message: mode.slice('fatal:'.length) }, () => process.exit(78));
} else {
  const port = process.env.DAENA_PORT === '0' ? '45678' : process.env.DAENA_PORT;
  const url = `http://127.0.0.1:${port}`;
  const mark = join(dataFolder, 'owner.made');
  const ownerLink = existsSync(mark) ? null : `${url}/welcome#one-time`;
  writeFileSync(mark, '');
  process.send?.({ type: 'ready', address: url, internalUrl: url, ownerLink });
}
setInterval(() => undefined, 60_000);
