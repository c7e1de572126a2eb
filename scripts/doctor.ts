// npm run doctor [-- --data <folder>] [--repair] [--accept-loss]: looks whether everything in a stopped office's data fits
// together and says so check by check. Exit code 0 only if all is well. It catches up with the log first, as a start does;
// with --repair it makes anew what can be made from the log; with --accept-loss the log goes on without what it has lost.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DATABASE } from '../persistence/backup/manifest.ts';
import { acceptLoss } from './doctor/accept-loss.ts';
import { treatOffice } from './doctor/treat.ts';
import { dataFolderOf } from './launcher/config.ts';
import { heldSentence, whileStopped } from './launcher/while-stopped.ts';
import { runTool, toolFlags } from './office-data.ts';

await runTool(async () => {
  const args = process.argv.slice(2);
  const isRepairing = args.includes('--repair');
  const isAcceptingLoss = args.includes('--accept-loss');
  const flags = toolFlags(args.filter((arg) => arg !== '--repair' && arg !== '--accept-loss'));
  const dataFolder = dataFolderOf(flags, process.env, resolve(import.meta.dirname, '..'));
  if (!existsSync(join(dataFolder, DATABASE))) throw new Error(`There is no office in ${dataFolder}.`);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const outcome = await whileStopped(dataFolder, 'npm run doctor', async (signal) => {
    if (isAcceptingLoss) await acceptLoss({ dataFolder, say, now: () => Date.now(), signal });
    return treatOffice({ dataFolder, isRepairing, say, signal });
  });
  if (outcome.kind !== 'done') throw new Error(heldSentence(outcome, dataFolder));
  return outcome.result ? 0 : 1;
});
