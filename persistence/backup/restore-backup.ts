import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import { openDatabase } from '../database.ts';
import { openLevelUpdateLog } from '../log/level-update-log.ts';
import { renewEpoch } from '../office/office-facts.ts';
import { DATABASE, LOG, type Manifest, syncToDisk, verifyBackup } from './manifest.ts';
import { backupName } from './old-backups.ts';

export interface RestoreParts {
  readonly from: string;
  readonly dataFolder: string;
  /** Allows a data folder that holds something: it is moved aside, whole. */
  readonly isReplacing: boolean;
  /** Files that do not count as content of the data folder and do not stay: its lock. */
  readonly passing: readonly string[];
  readonly now: () => number;
}

export interface Restored {
  readonly manifest: Manifest;
  /** Where the data that was replaced is now; null where there was none. */
  readonly movedTo: string | null;
}

/**
 * Puts a backup in the place of a data folder that no office uses. Everything is built and opened beside it first, so
 * until the last two renames nothing has changed. The store gets a new epoch.
 * Rejects with `conflict` where the backup is not whole or the data folder holds something that may not be replaced, or
 * with `storage`.
 */
export async function restoreBackup(parts: RestoreParts): Promise<Restored> {
  const from = resolve(parts.from);
  const dataFolder = resolve(parts.dataFolder);
  const manifest = await verifyBackup(from);
  const held = await contentOf(dataFolder, parts.passing);
  if (held.length > 0 && !parts.isReplacing) {
    throw new OfficeError(
      'conflict',
      `${dataFolder} holds data already: restore elsewhere with --data, or say --replace (it is moved aside, not deleted).`,
    );
  }
  const beside = join(dirname(dataFolder), `${basename(dataFolder)}.restoring-${randomBytes(4).toString('hex')}`);
  try {
    await copyFiles(from, beside, manifest);
    await tryOut(beside);
  } catch (cause) {
    await rm(beside, { recursive: true, force: true });
    if (cause instanceof OfficeError) throw cause;
    throw new OfficeError('storage', `The backup could not be restored: ${reasonOf(cause)}.`, { cause });
  }
  const movedTo = await swap(beside, dataFolder, held.length > 0, parts);
  return { manifest, movedTo };
}

async function contentOf(folder: string, passing: readonly string[]): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => !passing.includes(name));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw new OfficeError('storage', `${folder} cannot be read: ${reasonOf(cause)}.`, { cause });
  }
}

async function copyFiles(from: string, to: string, manifest: Manifest): Promise<void> {
  await mkdir(join(to, LOG), { recursive: true, mode: 0o700 });
  await chmod(to, 0o700);
  for (const { path } of manifest.files) {
    await copyFile(join(from, path), join(to, path), constants.COPYFILE_EXCL);
    await chmod(join(to, path), 0o600);
    await syncToDisk(join(to, path));
  }
}

/** Opens both stores as the office will, and gives them their new epoch. */
async function tryOut(folder: string): Promise<void> {
  const database = openDatabase(join(folder, DATABASE));
  try {
    renewEpoch(database);
  } finally {
    database.close();
  }
  const log = await openLevelUpdateLog(join(folder, LOG));
  try {
    await log.documents();
  } finally {
    await log.close();
  }
  await syncToDisk(join(folder, LOG));
  await syncToDisk(folder);
}

/** Answers where the old data went; null where there was none. */
async function swap(fresh: string, dataFolder: string, hasOld: boolean, parts: RestoreParts): Promise<string | null> {
  await mkdir(dataFolder, { recursive: true });
  for (const name of parts.passing) await rm(join(dataFolder, name), { force: true });
  const aside = hasOld ? `${dataFolder}.replaced-${backupName(parts.now()).slice('daena-'.length)}` : null;
  if (aside === null) await rmdir(dataFolder);
  else await rename(dataFolder, aside);
  await rename(fresh, dataFolder);
  await syncToDisk(dirname(dataFolder));
  if (aside !== null) await keepBackups(aside, dataFolder);
  return aside;
}

/** Backups that were kept in the old data folder go with the office, this one perhaps among them. */
async function keepBackups(aside: string, dataFolder: string): Promise<void> {
  if ((await readdir(aside)).includes(BACKUPS)) await rename(join(aside, BACKUPS), join(dataFolder, BACKUPS));
}

/** Where an office's backups go unless they are sent elsewhere: this folder in its data folder. */
export const BACKUPS = 'backups';

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
