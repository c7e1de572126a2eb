// What test.mjs and check.mjs share: development packages installed, then one of our scripts under the right Node.
import { join } from 'node:path';
import { installMissing } from './install.mjs';
import { repositoryRoot, runScript } from './pinned-node.mjs';

/** Resolves with the script's exit code, or 1 (after saying why) if the packages could not be installed. */
export async function runWithDevelopmentPackages(script, args) {
  const say = (line) => process.stdout.write(`${line}\n`);
  const failure = await installMissing({ withDevelopment: true, say });
  if (failure !== null) {
    process.stderr.write(`${failure}\n`);
    return 1;
  }
  return runScript(join(repositoryRoot, 'scripts', script), args);
}
