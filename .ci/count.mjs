// node .ci/count.mjs <exit code of the tests> <exit code of the checks>: prints "N passed, N failed" from vitest's report.
import { readFileSync } from 'node:fs';

const [testsCode, checkCode] = process.argv.slice(2).map(Number);

function readReport() {
  try {
    return JSON.parse(readFileSync(new URL('../.cache/tests.json', import.meta.url), 'utf8'));
  } catch (error) {
    process.stdout.write(`The tests left no report: ${error.message}\n`);
    return null;
  }
}

const report = readReport();
const passed = report?.numPassedTests ?? 0;
// A file that can't be loaded has no failed test of its own.
const brokenFiles = report?.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
);
let failed = (report?.numFailedTests ?? 0) + (brokenFiles?.length ?? 0);
// Nothing ran, or an error outside of any test: vitest failed although no test did.
if (failed === 0 && (testsCode !== 0 || passed === 0)) failed = 1;
if (checkCode !== 0) failed += 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
