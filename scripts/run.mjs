// node scripts/run.mjs <script.ts> [arguments]: runs one of Daena's scripts under the Node that Daena is made for.
import { resolve } from 'node:path';
import { repositoryRoot, runScript } from './launcher/pinned-node.mjs';

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  process.stderr.write('Usage: node scripts/run.mjs <script.ts> [arguments]\n');
  process.exitCode = 2;
} else {
  process.exitCode = await runScript(resolve(repositoryRoot, script), args);
}
