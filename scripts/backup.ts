// npm run backup [-- --to <folder>] [--keep <number>] [--data <folder>]: a consistent copy of an office, running or not,
// in a new dated folder.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeBackup } from '../persistence/backup/make-backup.ts';
import { DATABASE, LOG } from '../persistence/backup/manifest.ts';
import { DEFAULT_KEEP } from '../persistence/backup/old-backups.ts';
import { BACKUPS } from '../persistence/backup/restore-backup.ts';
import { openDatabaseAsItIs } from '../persistence/database.ts';
import { openLevelUpdateLog } from '../persistence/log/level-update-log.ts';
import { dataFolderOf } from './launcher/config.ts';
import { askForBackup, type BackupOrder } from './launcher/control-port.ts';
import type { Holder } from './launcher/one-instance-lock.ts';
import { heldSentence, whileStopped } from './launcher/while-stopped.ts';
import { runTool, toolFlags } from './office-data.ts';
import { takeOption } from './take-option.ts';
import { versionOfDaena } from './version-of-daena.ts';

const root = resolve(import.meta.dirname, '..');

await runTool(async () => {
  const { value: to, rest: withoutTo } = takeOption(process.argv.slice(2), '--to');
  const { value: keepText, rest } = takeOption(withoutTo, '--keep');
  const dataFolder = dataFolderOf(toolFlags(rest), process.env, root);
  const keep = Number(keepText ?? DEFAULT_KEEP);
  if (!Number.isInteger(keep) || keep < 1) throw new Error('--keep must be a number from 1 up.');
  if (!existsSync(join(dataFolder, DATABASE))) throw new Error(`There is no office in ${dataFolder} to back up.`);
  const order = { into: resolve(root, to ?? join(dataFolder, BACKUPS)), keep };
  const outcome = await whileStopped(dataFolder, 'npm run backup', (signal) =>
    backUpStopped(dataFolder, order, signal),
  );
  const folder = await (async () => {
    if (outcome.kind === 'done') return outcome.result;
    if (outcome.kind === 'held') return backUpRunning(outcome.holder, order);
    throw new Error(heldSentence(outcome, dataFolder));
  })();
  process.stdout.write(`${folder}\n`);
  return 0;
});

async function backUpRunning({ controlPort: port, nonce, pid }: Holder, order: BackupOrder): Promise<string> {
  const answer = await askForBackup({ port, nonce, ...order });
  if (answer.kind !== 'answered') throw new Error(`The office (process ${pid}) went away before the backup was whole.`);
  if (answer.outcome.kind === 'failed') throw new Error(answer.outcome.problem);
  return answer.outcome.folder;
}

async function backUpStopped(dataFolder: string, order: BackupOrder, signal: AbortSignal): Promise<string> {
  const database = openDatabaseAsItIs(join(dataFolder, DATABASE));
  try {
    const log = await openLevelUpdateLog(join(dataFolder, LOG));
    try {
      const parts = { database, log, dataFolder, version: versionOfDaena(), now: () => Date.now(), ...order };
      return await makeBackup(parts, signal);
    } finally {
      await log.close();
    }
  } finally {
    database.close();
  }
}
