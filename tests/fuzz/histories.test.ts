import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { treatOffice } from '../../scripts/doctor/treat.ts';
import { addMember, signIn } from '../support/office-people.ts';
import { type Action, histories } from './actions.ts';
import { ChatHistory } from './chat-history.ts';
import { MortalOffice } from './mortal-office.ts';

/** Pinned, so that every run of the tests is the same; `DAENA_FUZZ_SEED` tries another, `DAENA_FUZZ_RUNS` more. */
const SEED = Number(process.env.DAENA_FUZZ_SEED ?? 2_026);
const RUNS = Number(process.env.DAENA_FUZZ_RUNS ?? 8);
const MINUTES = 60_000;

/** Answers how to let a history happen in a chat of its own; what it answers is all that was wrong afterwards. */
async function openWorld(): Promise<(history: readonly Action[]) => Promise<string[]>> {
  const office = await MortalOffice.open();
  onTestFinished(() => office.end());
  const owner = await signIn(() => office.url);
  const bob = await addMember(owner.caller, 'bob');
  let chats = 0;
  return async (history) => {
    const chat = await ChatHistory.open(office, [owner, bob], SEED + chats++);
    try {
      for (const action of history) await chat.act(action);
      const wrong = await chat.settle();
      office.kill();
      const lines: string[] = [];
      const { signal } = new AbortController();
      const treatment = {
        dataFolder: office.dataFolder,
        isRepairing: false,
        say: (line: string) => lines.push(line),
        signal,
      };
      if (!(await treatOffice(treatment))) wrong.push(...lines.filter((line) => line.startsWith('FAIL')));
      await office.start();
      return [...wrong, ...office.errors.splice(0)];
    } finally {
      chat.leave();
    }
  };
}

test(
  `[INV1] [INV2] [INV3] [INV4] [INV8] [INV10] [INV11] whatever happens in a chat, once it is quiet everyone holds the same, and nothing promised is missing (seed ${SEED}, ${RUNS} histories)`,
  async () => {
    const happen = await openWorld();
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        expect(await happen(history)).toEqual([]);
      }),
      { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: 20 * MINUTES, endOnFailure: RUNS > 8 },
    );
  },
  25 * MINUTES,
);
