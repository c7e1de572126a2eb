import { test } from 'vitest';
import { playHistories } from './histories.ts';

/**
 * Pinned, so that every run of the tests is the same; `DAENA_FUZZ_SEED` tries another, `DAENA_FUZZ_RUNS` more, and
 * `DAENA_FUZZ_PATH` with `DAENA_FUZZ_REPLAY` what a failure printed.
 */
const SEED = Number(process.env.DAENA_FUZZ_SEED ?? 2_026);
const RUNS = Number(process.env.DAENA_FUZZ_RUNS ?? 8);
const { DAENA_FUZZ_PATH: path, DAENA_FUZZ_REPLAY: replayPath } = process.env;
const MINUTES = 60_000;

test(
  `[INV1] [INV2] [INV3] [INV4] [INV5] [INV6] [INV7] [INV8] [INV9] [INV10] [INV11] whatever happens in a chat, once it is quiet everyone holds the same, and nothing promised is missing (seed ${SEED}, ${RUNS} histories)`,
  () =>
    playHistories({
      seed: SEED,
      runs: RUNS,
      boundMs: 20 * MINUTES,
      ...(path !== undefined && { path }),
      ...(replayPath !== undefined && { replayPath }),
    }),
  25 * MINUTES,
);
