// Stands in for the agents: says what agents say to their launcher, in the way that STAND_IN_AGENTS names.
import { appendFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const dataFolder = dirname(process.env.DAENA_WORKER_TOKEN_FILE ?? '');
const mode = process.env.STAND_IN_AGENTS ?? 'well';
appendFileSync(join(dataFolder, 'agents.pids'), `${process.pid}\n`);
writeFileSync(join(dataFolder, 'agents.seen.json'), JSON.stringify(process.env));
process.stdout.write(`agents ${process.pid} start\n`);

process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.on('message', () => process.exit(0));

if (mode === 'failing') process.exit(3);
if (mode.startsWith('fatal')) {
  process.send?.({ type: 'fatal', message: mode.slice('fatal:'.length) }, () => process.exit(78));
} else {
  process.send?.({ type: 'ready' });
}
setInterval(() => undefined, 60_000);
