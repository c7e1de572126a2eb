// Makes a backup of a stopped office (data folder, target, stage) and dies without a word at that stage of it.
import { join } from 'node:path';
import { makeBackup } from '../../../persistence/backup/make-backup.ts';
import { openDatabaseAsItIs } from '../../../persistence/database.ts';
import { openLevelUpdateLog } from '../../../persistence/log/level-update-log.ts';

const [dataFolder = '', into = '', stage] = process.argv.slice(2);
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
};
const database = openDatabaseAsItIs(join(dataFolder, 'daena.sqlite'));
const log = await openLevelUpdateLog(join(dataFolder, 'log'));
const copy = log.copyTo?.bind(log);
log.copyTo = async (folder, signal) => {
  if (stage === 'database copied') die();
  await copy?.(folder, signal);
  if (stage === 'log copied') die();
};
await makeBackup(
  { database, log, dataFolder, version: '0', into, keep: 1, now: () => Date.now() },
  new AbortController().signal,
);
