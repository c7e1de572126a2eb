// npm run crash -- [--rounds <n>] [--seed <n>]: kills a server under load again and again, and counts what it lost.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isFaultless, runCrashRounds } from './crash-rounds.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '1000' }, seed: { type: 'string', default: String(Date.now() % 1e9) } },
});
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
// Every provider listens for the end of the process, and a chat has one in each of its segments.
process.setMaxListeners(1_000);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
  say('Usage: npm run crash -- [--rounds <n>] [--seed <n>]');
  process.exitCode = 2;
} else {
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc');
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daena-crash-')));
  say(`${rounds} rounds, seed ${seed}`);
  const summary = await runCrashRounds({ rounds, seed, folder, say });
  for (const [what, figure] of Object.entries(summary)) say(`${what.padEnd(15)} ${figure}`);
  if (isFaultless(summary)) rmSync(folder, { recursive: true, force: true });
  else say(`the data is kept in ${folder}`);
  process.exitCode = isFaultless(summary) ? 0 : 1;
}
