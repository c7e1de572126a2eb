// npm start: installs what is missing, then runs the office under the Node that it is made for.
import { realpathSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { helpText } from './launcher/help.mjs';
import { installMissing } from './launcher/install.mjs';
import { findNode, repositoryRoot, runScript } from './launcher/pinned-node.mjs';

async function start() {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(helpText);
    return 0;
  }
  const say = (line) => process.stdout.write(`${line}\n`);
  const failure = await installMissing({ withDevelopment: false, say });
  if (failure !== null) {
    process.stderr.write(`${failure}\n`);
    return 1;
  }
  const script = join(repositoryRoot, 'scripts', 'start.ts');
  if (findNode() !== realpathSync(process.execPath)) return runScript(script, args);
  // The right Node already: a second process would only cost time.
  module.enableCompileCache?.(join(repositoryRoot, '.cache', 'compiled'));
  const { startDaena } = await import('./start.ts');
  return startDaena(args);
}

process.exitCode = await start();
