/** One thing to try. `run` resolves with what was seen, in a few words, or rejects with why it failed. */
export interface Check {
  readonly name: string;
  run(signal: AbortSignal): Promise<string>;
}

/** A check that takes longer has failed, in ms. */
const CHECK_MS = 120_000;

/** Runs the checks in order and prints a line for each. Answers whether all passed; a failed one never stops the rest. */
export async function printChecks(checks: readonly Check[]): Promise<boolean> {
  let failed = 0;
  for (const { name, run } of checks) {
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(CHECK_MS);
    const outcome = await Promise.race([
      run(signal).then(
        (seen) => ({ isPassed: true, words: seen }),
        (error: unknown) => ({ isPassed: false, words: error instanceof Error ? error.message : String(error) }),
      ),
      timeOut(signal),
    ]);
    if (!outcome.isPassed) failed++;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${outcome.isPassed ? 'pass' : 'FAIL'}  ${name}: ${outcome.words} (${seconds} s)\n`);
  }
  process.stdout.write(
    failed === 0 ? `All ${checks.length} checks passed.\n` : `${failed} of ${checks.length} checks failed.\n`,
  );
  return failed === 0;
}

const timeOut = (signal: AbortSignal): Promise<{ isPassed: boolean; words: string }> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ isPassed: false, words: `no end within ${CHECK_MS / 1000} s` }));
  });

/** Asks until the answer is there. Rejects where the signal comes first. */
export async function until<T>(signal: AbortSignal, ask: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    await pause(300, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('it took too long'));
    });
  });
}

/** Fails a check with a sentence. */
export function expect(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new Error(sentence);
}
