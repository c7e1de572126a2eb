// What a new version of Daena does to the data of an older one.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { BEFORE_MIGRATION, openOfficeDatabase } from '../../persistence/backup/migrate-safely.ts';
import { restoreBackup } from '../../persistence/backup/restore-backup.ts';
import { openDatabase, openDatabaseAsItIs } from '../../persistence/database.ts';
import { openLevelUpdateLog } from '../../persistence/log/level-update-log.ts';
import { OFFICE_AUTHOR } from '../../sync-server/protocol/entry.ts';
import { deriveId } from '../../sync-server/protocol/ids.ts';
import { writeEntry } from '../../sync-server/protocol/segment.ts';
import { message, ulid } from '../support/entries.ts';
import { startOffice } from '../support/office.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { type MadeOffice, makeOffice } from './made-office.ts';
import { RunningScript } from './running-office.ts';

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'persistence', 'migrations');

/** The migrations of the version before this one. */
function olderMigrations(): string {
  const folder = join(tempFolder(), 'migrations');
  const names = readdirSync(MIGRATIONS).sort().slice(0, -1);
  mkdirSync(folder);
  for (const name of names) cpSync(join(MIGRATIONS, name), join(folder, name));
  return folder;
}

/** The migrations of a version to come. */
function newerMigrations(): string {
  const folder = join(tempFolder(), 'migrations');
  cpSync(MIGRATIONS, folder, { recursive: true });
  const number = String(readdirSync(folder).length + 1).padStart(4, '0');
  writeFileSync(join(folder, `${number}-no-more-names.sql`), `UPDATE "user" SET name = 'lost';`);
  return folder;
}

const backupsOf = (dataFolder: string): string[] => {
  const folder = join(dataFolder, BEFORE_MIGRATION);
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
};

/** The rows that people would miss. */
function rowsOf(dataFolder: string): unknown {
  const database = openDatabaseAsItIs(join(dataFolder, 'daena.sqlite'));
  try {
    return ['"user"', 'chat_sessions', 'chat_entries', 'chat_messages', 'event_log', 'turns'].map((table) =>
      database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all(),
    );
  } finally {
    database.close();
  }
}

async function recordsOf({ dataFolder, document }: Pick<MadeOffice, 'dataFolder' | 'document'>): Promise<unknown> {
  const log = await openLevelUpdateLog(join(dataFolder, 'log'));
  const { updates, meta } = await log.read(document);
  await log.close();
  return { updates, meta };
}

const migrate = (dataFolder: string, migrationsFolder: string): Promise<void> =>
  openOfficeDatabase({ dataFolder, version: '9', now: () => Date.now(), migrationsFolder }).then(
    (database) => void database.close(),
  );

test('[BK1] before data is migrated all of it is backed up, and the backup brings back everything', async () => {
  const office = await makeOffice();
  const { dataFolder } = office;
  const [rows, records] = [rowsOf(dataFolder), await recordsOf(office)];
  await migrate(dataFolder, newerMigrations());
  expect(rowsOf(dataFolder)).not.toEqual(rows);
  const [backup = '', ...more] = backupsOf(dataFolder);
  expect(more).toEqual([]);
  const restored = join(tempFolder(), 'data');
  await restoreBackup({ from: backup, dataFolder: restored, isReplacing: false, passing: [], now: () => Date.now() });
  expect(rowsOf(restored)).toEqual(rows);
  expect(await recordsOf({ ...office, dataFolder: restored })).toEqual(records);
  expect(readFileSync(join(restored, 'auth.secret'))).toEqual(readFileSync(join(dataFolder, 'auth.secret')));
  expect(await new RunningScript('scripts/doctor.ts', ['--data', restored]).ended).toMatchObject({ code: 0 });
});

test('[BK1] data that cannot be backed up first is refused in one sentence, and nothing of it is changed', async () => {
  const { dataFolder } = await makeOffice();
  writeFileSync(join(dataFolder, 'backups'), 'no folder');
  const before = readFileSync(join(dataFolder, 'daena.sqlite'));
  await expect(migrate(dataFolder, newerMigrations())).rejects.toMatchObject({
    code: 'storage',
    message: expect.stringMatching(
      /was left as it is, because it could not be backed up first: No backup can be written/,
    ),
  });
  expect(readFileSync(join(dataFolder, 'daena.sqlite'))).toEqual(before);
  rmSync(join(dataFolder, 'backups'));
  const log = await openLevelUpdateLog(join(dataFolder, 'log'));
  await expect(migrate(dataFolder, newerMigrations())).rejects.toMatchObject({ code: 'conflict' });
  await log.close();
  expect(readFileSync(join(dataFolder, 'daena.sqlite'))).toEqual(before);
});

test('[BK1] the three newest backups from before a migration are kept', async () => {
  const { dataFolder } = await makeOffice();
  const newer = newerMigrations();
  const seen: string[] = [];
  for (let n = 0; n < 5; n++) {
    await migrate(dataFolder, newer);
    const database = openDatabaseAsItIs(join(dataFolder, 'daena.sqlite'));
    database.pragma(`user_version = ${readdirSync(MIGRATIONS).length}`);
    database.close();
    seen.push(...backupsOf(dataFolder).filter((backup) => !seen.includes(backup)));
  }
  expect(seen).toHaveLength(5);
  expect(backupsOf(dataFolder)).toEqual(seen.slice(-3));
});

test('[BK1] [PJ5] an office that is started on data of an older version has it in its backup and in its new form', async () => {
  const dataFolder = tempFolder();
  openDatabase(join(dataFolder, 'daena.sqlite'), olderMigrations()).close();
  const session = ulid(1);
  const log = await openLevelUpdateLog(join(dataFolder, 'log'));
  await log.append({ document: `session/${session}/1`, update: writtenBefore(session), meta: OFFICE_WROTE });
  await log.close();
  const office = await startOffice({ dataFolder });
  const { caller } = await office.signIn();
  const { messages } = await caller.call('messages', { params: { id: session } });
  expect(messages.map(({ content }) => content)).toEqual(['written before']);
  await office.stop();
  const [backup = ''] = backupsOf(dataFolder);
  const restored = join(tempFolder(), 'data');
  const args = ['--from', backup, '--data', restored];
  expect(await new RunningScript('scripts/restore.ts', args).ended).toMatchObject({ code: 0 });
  const again = await startOffice({ dataFolder: restored });
  const owner = await again.signIn();
  expect((await owner.caller.call('messages', { params: { id: session } })).messages).toMatchObject([
    { content: 'written before' },
  ]);
  await again.stop();
});

const OFFICE_WROTE = new Map([['c:6', new TextEncoder().encode('office')]]);

function writtenBefore(session: string): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = 6;
  writeEntry(doc, {
    id: deriveId('created', session),
    kind: 'created',
    author: OFFICE_AUTHOR,
    at: 1,
    scope: { type: 'general', id: null },
    owner: 'ann',
    title: 'Old',
    isPrivate: false,
  });
  writeEntry(doc, message('ann', 2, { body: 'written before' }));
  return Y.encodeStateAsUpdate(doc);
}
