// Finds a browser, builds the client if it is stale, and runs vitest. A report as JSON is left in .cache/tests.json.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { buildClientIfStale } from './launcher/client-build.ts';
import { findOrInstallChromium, NO_CHROMIUM_SENTENCE } from './launcher/find-chromium.ts';

/** A test that never yields can't be timed out from inside; this ends it, so that there is always a verdict. */
const TESTS_TIMEOUT_MS = 30 * 60_000;

const root = resolve(import.meta.dirname, '..');
const say = (line: string) => process.stdout.write(`${line}\n`);

async function runTests(args: readonly string[]): Promise<number> {
  const report = join(root, '.cache', 'tests.json');
  rmSync(report, { force: true });
  const chromium = findOrInstallChromium(process.env, say);
  if (chromium === null) {
    say(NO_CHROMIUM_SENTENCE);
    return 1;
  }
  if (existsSync(join(root, 'client', 'index.html'))) {
    const build = await buildClientIfStale(root, new AbortController().signal, say);
    if (build.kind === 'failed') {
      say(`${build.output}\nThe client could not be built; the builder's own words are above.`);
      return 1;
    }
  }
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--config', 'tests/vitest.config.ts', ...reporters, ...args],
    {
      cwd: root,
      timeout: TESTS_TIMEOUT_MS,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        DAENA_CHROMIUM: chromium,
        // Scripts that tests start by name find the same Node.
        PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
      },
    },
  );
  return status ?? 1;
}

process.exitCode = await runTests(process.argv.slice(2));
