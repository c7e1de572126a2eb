// npm run fuzz -- [--frames <n>] [--seed <n>]: hostile frames at rooms in this process; see besieged-room.ts.

import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { besiege, hasGrown, MAX_FRAME_MS } from './besieged-room.ts';

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: process.env.DAENA_FUZZ_SEED ?? '2026' },
  },
});
const [frames, seed] = [Number(values.frames), Number(values.seed)];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (!Number.isInteger(frames) || frames < 1 || !Number.isInteger(seed)) {
  say('Usage: npm run fuzz -- [--frames <n>] [--seed <n>]');
  process.exitCode = 2;
} else {
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc');
  say(`${frames} frames, seed ${seed}`);
  const siege = await besiege({ frames, seed, say });
  const isGrown = hasGrown(siege);
  say(`frames ${siege.frames}, rooms failed ${siege.failed}, documents unreadable ${siege.unreadable.length}`);
  for (const found of siege.unreadable) say(`  ${found}`);
  say(`honest entries lost ${siege.lost}, forged ${siege.forged}`);
  say(`slowest frame ${siege.slowestMs.toFixed(1)} ms; over ${MAX_FRAME_MS} ms: ${siege.slow.length}`);
  for (const frame of siege.slow.slice(0, 3)) say(`  ${frame}`);
  say(`memory ${isGrown ? 'grew' : 'did not grow'}`);
  const faults = siege.failed + siege.unreadable.length + siege.lost + siege.forged + siege.slow.length;
  process.exitCode = faults === 0 && !isGrown ? 0 : 1;
}
