import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import type { Database } from '../database.ts';
import type { UpdateLog } from '../log/update-log.ts';
import { epochForBackups } from '../office/office-facts.ts';
import { DATABASE, describeFiles, LOG, OWN_FILES, syncToDisk, writeManifest } from './manifest.ts';
import { backupName, removeOldBackups, UNFINISHED } from './old-backups.ts';

/** Pages of 4 KiB copied before others get their turn. */
const PAGES_AT_ONCE = 500;

export interface BackupParts {
  readonly database: Database;
  readonly log: Pick<UpdateLog, 'copyTo'>;
  readonly dataFolder: string;
  /** Of this Daena. */
  readonly version: string;
  /** The folder that backups are put into, each in a folder of its own. */
  readonly into: string;
  /** How many of this office's backups stay there; older ones are removed. */
  readonly keep: number;
  readonly now: () => number;
}

/**
 * Makes a consistent backup while the office goes on: whatever was durable before the call is in it. Until it is whole
 * it bears another name. Answers its folder.
 * Rejects with `storage` where the disk refuses, `conflict` where the log has no form on a disk, or the signal's reason;
 * nothing is left then.
 */
export async function makeBackup(parts: BackupParts, signal: AbortSignal): Promise<string> {
  const startedAt = parts.now();
  const into = resolve(parts.into);
  const folder = join(into, backupName(startedAt));
  const unfinished = `${folder}${UNFINISHED}`;
  const epoch = epochForBackups(parts.database);
  try {
    await mkdir(into, { recursive: true, mode: 0o700 });
    await mkdir(unfinished, { mode: 0o700 });
  } catch (cause) {
    throw new OfficeError('storage', `No backup can be written to ${into}: ${reasonOf(cause)}.`, { cause });
  }
  try {
    await copyInto(unfinished, parts, signal);
    const files = await describeFiles(unfinished);
    signal.throwIfAborted();
    await writeManifest(unfinished, {
      version: parts.version,
      madeAt: new Date(startedAt).toISOString(),
      epoch,
      files: [...files],
    });
    await syncToDisk(join(unfinished, LOG));
    await syncToDisk(unfinished);
    await rename(unfinished, folder);
    await syncToDisk(into);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    if (cause instanceof OfficeError) throw cause;
    const reason = signal.aborted ? 'it was called off, or took too long' : reasonOf(cause);
    throw new OfficeError('storage', `The backup could not be made: ${reason}.`, { cause });
  }
  try {
    await removeOldBackups({ into, epoch, keep: parts.keep, nowMs: startedAt });
  } catch (cause) {
    throw new OfficeError(
      'storage',
      `The backup ${folder} is made, but older ones could not be removed: ${reasonOf(cause)}.`,
      { cause },
    );
  }
  return folder;
}

async function copyInto(folder: string, parts: BackupParts, signal: AbortSignal): Promise<void> {
  const { database, log, dataFolder } = parts;
  if (!log.copyTo) throw new OfficeError('conflict', 'This log lives in memory: there is nothing to back up.');
  // The database first: what the log has more is projected when the backup is restored; it could not go the other way.
  const file = join(folder, DATABASE);
  await database.backup(file, {
    progress: () => {
      signal.throwIfAborted();
      return PAGES_AT_ONCE;
    },
  });
  await chmod(file, 0o600);
  await log.copyTo(join(folder, LOG), signal);
  // LevelDB's lock and its own notes are nothing to keep.
  for (const name of ['LOCK', 'LOG', 'LOG.old']) await rm(join(folder, LOG, name), { force: true });
  for (const name of OWN_FILES) await copyOwnFile(join(dataFolder, name), join(folder, name));
}

/** Copies a file for its owner's eyes only; nothing where there is none. */
async function copyOwnFile(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  await chmod(to, 0o600);
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
