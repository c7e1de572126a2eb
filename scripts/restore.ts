// npm run restore -- --from <backup> [--data <folder>] [--replace]: puts a backup in the place of a stopped office's data.
import { mkdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { restoreBackup } from '../persistence/backup/restore-backup.ts';
import { removeAbandonedRows } from './doctor/mend-turns.ts';
import { catchUpWithLog, openStoppedOffice } from './doctor/stopped-office.ts';
import { dataFolderOf } from './launcher/config.ts';
import { lockPath } from './launcher/one-instance-lock.ts';
import { heldSentence, whileStopped } from './launcher/while-stopped.ts';
import { runTool, toolFlags } from './office-data.ts';
import { takeOption } from './take-option.ts';

const root = resolve(import.meta.dirname, '..');

await runTool(async () => {
  const { value: from, rest } = takeOption(process.argv.slice(2), '--from');
  const isReplacing = rest.includes('--replace');
  const dataFolder = dataFolderOf(toolFlags(rest.filter((arg) => arg !== '--replace')), process.env, root);
  if (from === null) throw new Error('Which backup? npm run restore -- --from <folder of one backup>');
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const outcome = await whileStopped(dataFolder, 'npm run restore', async () => {
    const restored = await restoreBackup({
      from: resolve(root, from),
      dataFolder,
      isReplacing,
      passing: [basename(lockPath(dataFolder))],
      now: () => Date.now(),
    });
    await bringTogether(dataFolder);
    return restored;
  });
  if (outcome.kind !== 'done') throw new Error(heldSentence(outcome, dataFolder));
  const { manifest, movedTo } = outcome.result;
  process.stdout.write(`The backup of ${manifest.madeAt} is in ${dataFolder}; start it with npm start.\n`);
  if (movedTo !== null) process.stdout.write(`What was there before is in ${movedTo}.\n`);
  return 0;
});

/** A backup's log is a little newer than its database: brings that up to it, and removes what agents had half written. */
async function bringTogether(dataFolder: string): Promise<void> {
  const office = await openStoppedOffice(dataFolder);
  try {
    await catchUpWithLog(office);
    await removeAbandonedRows(office);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `The backup is in ${dataFolder}, but not all of it can be read: ${reason}. npm run doctor says more.`,
      {
        cause,
      },
    );
  } finally {
    await office.close();
  }
}
