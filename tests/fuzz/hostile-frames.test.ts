import { expect, test } from 'vitest';
import { besiege } from './besieged-room.ts';

/** Pinned; `DAENA_FUZZ_SEED` tries another. */
const SEED = Number(process.env.DAENA_FUZZ_SEED ?? 2_026);
const FRAMES = 10_000;

test(`[GA1] [FR1] [INV11] ${FRAMES} hostile frames break no room, and cost an honest person nothing (seed ${SEED})`, async () => {
  const siege = await besiege({ frames: FRAMES, seed: SEED, say: () => undefined });
  expect(siege).toMatchObject({ frames: FRAMES, failed: 0, unreadable: [], lost: 0, forged: 0, slow: [] });
});
