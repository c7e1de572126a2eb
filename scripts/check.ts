// Runs every check to its end, prints what each says, and fails if one of them fails.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

type Check = Readonly<{ name: string; script: string; args: readonly string[] }>;

const root = resolve(import.meta.dirname, '..');

const checks: readonly Check[] = [
  { name: 'types', script: 'node_modules/typescript/bin/tsc', args: ['-b'] },
  { name: 'format and lint', script: 'node_modules/@biomejs/biome/bin/biome', args: ['check'] },
  {
    name: 'promises and switches',
    script: 'node_modules/oxlint/bin/oxlint',
    args: ['--type-aware', '--deny-warnings'],
  },
  { name: 'unused code', script: 'node_modules/knip/bin/knip.js', args: ['--no-progress'] },
  { name: 'rules of the protocol', script: 'scripts/check-spec.ts', args: [] },
];

function passes(check: Check): boolean {
  const startedAt = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, check.script), ...check.args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const isPassed = status === 0;
  process.stdout.write(`${isPassed ? 'pass' : 'FAIL'}  ${check.name} (${seconds} s)\n`);
  if (!isPassed) process.stdout.write(`${stdout}${stderr}\n`);
  return isPassed;
}

const results = checks.filter((check) => existsSync(join(root, check.script))).map(passes);
const failed = results.filter((isPassed) => !isPassed).length;
process.stdout.write(failed === 0 ? 'All checks passed.\n' : `${failed} of ${results.length} checks failed.\n`);
process.exitCode = failed === 0 ? 0 : 1;
