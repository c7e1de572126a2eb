// npm run fuzz -- [--frames <n>] [--seed <n>]: hostile frames at rooms in this process; see besieged-room.ts.
// npm run fuzz -- --histories <n> [--seed <n>] [--path <p> --replay <r>]: whatever may happen in a chat; see commands.ts.

import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { besiege, hasGrown, MAX_FRAME_MS } from './besieged-room.ts';
import { playHistories } from './histories.ts';

const USAGE = `Usage: npm run fuzz -- [--frames <n>] [--seed <n>]
       npm run fuzz -- --histories <n> [--seed <n>] [--path <path> --replay <replayPath>]`;
/** No further history begins after this. */
const MAX_HISTORIES_MS = 6 * 3_600_000;

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '1000000' },
    histories: { type: 'string' },
    seed: { type: 'string', default: process.env.DAENA_FUZZ_SEED ?? '2026' },
    path: { type: 'string', default: process.env.DAENA_FUZZ_PATH },
    replay: { type: 'string', default: process.env.DAENA_FUZZ_REPLAY },
  },
});
const [count, seed] = [Number(values.histories ?? values.frames), Number(values.seed)];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
  say(USAGE);
  process.exitCode = 2;
} else if (values.histories === undefined) await siege(count);
else await play(count);

async function play(runs: number): Promise<void> {
  // Every provider listens for the end of the process.
  process.setMaxListeners(1_000);
  const { path, replay: replayPath } = values;
  say(`${runs} histories, seed ${seed}`);
  try {
    await playHistories({
      seed,
      runs,
      boundMs: MAX_HISTORIES_MS,
      ...(path !== undefined && { path }),
      ...(replayPath !== undefined && { replayPath }),
    });
    say('nothing was wrong after any of them');
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
    say(`${error instanceof Error ? error.message : String(error)}\n${cause}`);
    process.exitCode = 1;
  }
}

async function siege(frames: number): Promise<void> {
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc');
  say(`${frames} frames, seed ${seed}`);
  const found = await besiege({ frames, seed, say });
  const isGrown = hasGrown(found);
  say(`frames ${found.frames}, rooms failed ${found.failed}, documents unreadable ${found.unreadable.length}`);
  for (const line of found.unreadable) say(`  ${line}`);
  say(`honest entries lost ${found.lost}, forged ${found.forged}`);
  say(`slowest frame ${found.slowestMs.toFixed(1)} ms; over ${MAX_FRAME_MS} ms: ${found.slow.length}`);
  for (const frame of found.slow.slice(0, 3)) say(`  ${frame}`);
  say(`memory ${isGrown ? 'grew' : 'did not grow'}`);
  const faults = found.failed + found.unreadable.length + found.lost + found.forged + found.slow.length;
  process.exitCode = faults === 0 && !isGrown ? 0 : 1;
}
