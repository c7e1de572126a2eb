import { join } from 'node:path';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import { type Database, needsMigration, openDatabase, openDatabaseAsItIs } from '../database.ts';
import { openLevelUpdateLog } from '../log/level-update-log.ts';
import { BACKUP_MAX_MS } from './backup-bounds.ts';
import { makeBackup } from './make-backup.ts';
import { DATABASE, LOG } from './manifest.ts';
import { BACKUPS } from './restore-backup.ts';

/** Where backups from before a migration go: this folder in the data folder. Daily ones do not take their places. */
export const BEFORE_MIGRATION = join(BACKUPS, 'before-migration');
/** How many of them are kept. */
const KEEP = 3;

export interface OfficeDatabaseParts {
  readonly dataFolder: string;
  /** Of this Daena. */
  readonly version: string;
  readonly now: () => number;
  /** Another set of migrations, for tests. */
  readonly migrationsFolder?: string;
}

/**
 * Opens an office's database as `openDatabase` does. Data of an older format is backed up whole before anything of it is
 * changed: `npm run restore` takes that backup. Whoever calls must not have the log open.
 *
 * Rejects as `openDatabase` throws, and with `storage` (or `conflict`, where the log is open elsewhere) and a sentence
 * where the backup cannot be made: the data is as it was then.
 */
export async function openOfficeDatabase(parts: OfficeDatabaseParts): Promise<Database> {
  const { dataFolder, migrationsFolder } = parts;
  const file = join(dataFolder, DATABASE);
  if (needsMigration(file, migrationsFolder)) {
    try {
      await backUp(parts);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new OfficeError(
        cause instanceof OfficeError ? cause.code : 'storage',
        `The data in ${dataFolder} needs a new format and was left as it is, because it could not be backed up first: ${reason}`,
        { cause },
      );
    }
  }
  return openDatabase(file, migrationsFolder);
}

async function backUp({ dataFolder, version, now }: OfficeDatabaseParts): Promise<void> {
  const log = await openLevelUpdateLog(join(dataFolder, LOG));
  try {
    const database = openDatabaseAsItIs(join(dataFolder, DATABASE));
    try {
      const into = join(dataFolder, BEFORE_MIGRATION);
      await makeBackup(
        { database, log, dataFolder, version, into, keep: KEEP, now },
        AbortSignal.timeout(BACKUP_MAX_MS),
      );
    } finally {
      database.close();
    }
  } finally {
    await log.close();
  }
}
