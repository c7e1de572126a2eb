/**
 * The SQLite file: opening it, and bringing it to the form that this program knows.
 *
 * Migrations are `migrations/NNNN-name.sql`, numbered from 1 without a gap; the file's `user_version` is the number of the
 * last one it has. Each runs in one transaction with the new `user_version`, so a crash leaves the version before it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import SqliteDatabase from 'better-sqlite3';
import { z } from 'zod';
import { OfficeError } from '../sync-server/protocol/errors.ts';

export type Database = SqliteDatabase.Database;
export type Transaction<Run extends (...args: never[]) => unknown> = SqliteDatabase.Transaction<Run>;

const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url));
const MIGRATION_NAME = /^(\d{4})-[a-z0-9-]+\.sql$/;
/** How long a statement waits for another process (a backup, the owner command) that is writing. */
const BUSY_TIMEOUT_MS = 5_000;
/** Pages (4 KiB) that the write-ahead log gathers: copying them into the file stops all writing, and is as dear for few. */
const CHECKPOINT_PAGES = 4_000;

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/**
 * Opens (or makes) the file with WAL, full sync and foreign keys, after migrating it. Before an existing file is
 * migrated, a copy is kept beside it as `<file>.before-<new version>`.
 *
 * Throws `conflict` where the file was written by a newer version, `storage` where it cannot be opened or migrated;
 * nothing was changed then but migrations that had already succeeded.
 * @param migrationsFolder another set of migrations, for tests
 */
export function openDatabase(file: string, migrationsFolder: string = MIGRATIONS): Database {
  const migrations = readMigrations(migrationsFolder);
  let database: Database | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true });
    database = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS });
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    migrate(database, file, migrations);
    database.pragma('foreign_keys = ON');
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof OfficeError) throw error;
    throw new OfficeError('storage', `The database ${file} cannot be opened: ${messageOf(error)}.`, { cause: error });
  }
}

/** Whether opening a file will migrate data that is in it. Throws `storage` where it cannot be read. */
export function needsMigration(file: string, migrationsFolder: string = MIGRATIONS): boolean {
  if (!existsSync(file)) return false;
  const database = openDatabaseAsItIs(file);
  try {
    const found = z.number().parse(database.pragma('user_version', { simple: true }));
    return found > 0 && found < readMigrations(migrationsFolder).length;
  } catch (error) {
    throw new OfficeError('storage', `The database ${file} cannot be opened: ${messageOf(error)}.`, { cause: error });
  } finally {
    database.close();
  }
}

/** Opens an existing file as it is, to copy it. Throws `storage` where there is none or it cannot be read. */
export function openDatabaseAsItIs(file: string): Database {
  try {
    return new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS, fileMustExist: true });
  } catch (error) {
    throw new OfficeError('storage', `The database ${file} cannot be opened: ${messageOf(error)}.`, { cause: error });
  }
}

function readMigrations(folder: string): readonly Migration[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return names.map((name, index) => {
    const version = Number(MIGRATION_NAME.exec(name)?.[1]);
    if (version !== index + 1) throw new Error(`${name} should be migration number ${index + 1}`);
    return { version, name, sql: readFileSync(join(folder, name), 'utf8') };
  });
}

function migrate(database: Database, file: string, migrations: readonly Migration[]): void {
  const found = z.number().parse(database.pragma('user_version', { simple: true }));
  const wanted = migrations.length;
  if (found > wanted) {
    throw new OfficeError(
      'conflict',
      `The data in ${file} was written by a newer version of Daena (format ${found}, this one knows ${wanted}): update Daena, or restore an older backup.`,
    );
  }
  if (found === wanted) return;
  if (found > 0) keepCopy(database, `${file}.before-${wanted}`);
  for (const { version, name, sql } of migrations.slice(found)) {
    const apply = database.transaction(() => {
      database.exec(sql);
      database.pragma(`user_version = ${version}`);
    });
    try {
      // Off while migrating, so that a table can be rebuilt: dropping it would otherwise delete what refers to it.
      database.pragma('foreign_keys = OFF');
      apply.immediate();
    } catch (error) {
      throw new OfficeError(
        'storage',
        `The database ${file} could not be brought up to date (${name}): ${messageOf(error)}.`,
        {
          cause: error,
        },
      );
    }
  }
}

/** A consistent copy of the whole database; replaces one left by an earlier attempt. */
function keepCopy(database: Database, copy: string): void {
  const unfinished = `${copy}.unfinished`;
  rmSync(unfinished, { force: true });
  database.prepare('VACUUM INTO ?').run(unfinished);
  renameSync(unfinished, copy);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
