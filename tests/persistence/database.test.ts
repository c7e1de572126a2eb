import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../../persistence/database.ts';

let folder: string;
let file: string;
let migrations: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daena-db-'));
  file = join(folder, 'data', 'office.sqlite');
  migrations = join(folder, 'migrations');
  await mkdir(migrations);
  await migration('0001-notes.sql', 'create table note (text text not null);');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const migration = (name: string, sql: string) => writeFile(join(migrations, name), sql);

test('[PJ5] a new file gets the pragmas and every migration, and no copy', () => {
  const database = openDatabase(file);
  const pragma = (name: string) => database.pragma(name, { simple: true });
  expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys'), pragma('busy_timeout')]).toEqual([
    'wal',
    2,
    1,
    5000,
  ]);
  expect(pragma('user_version')).toBeGreaterThanOrEqual(1);
  database.close();
  openDatabase(file).close();
  expect(existsSync(`${file}.before-1`)).toBe(false);
});

test('[PJ5] an existing file is copied before it is migrated', async () => {
  const first = openDatabase(file, migrations);
  first.exec(`insert into note values ('kept')`);
  first.close();
  await migration('0002-authors.sql', `alter table note add column author text; update note set text = 'changed';`);
  const second = openDatabase(file, migrations);
  expect(second.prepare('select * from note').all()).toEqual([{ text: 'changed', author: null }]);
  second.close();
  await rm(join(migrations, '0002-authors.sql'));
  const copy = openDatabase(`${file}.before-2`, migrations);
  expect(copy.prepare('select * from note').all()).toEqual([{ text: 'kept' }]);
  copy.close();
});

test('[PJ5] a migration that fails leaves the version before it whole, and can be tried again', async () => {
  openDatabase(file, migrations).close();
  await migration('0002-broken.sql', 'create table half (a text); insert into nothing values (1);');
  for (let attempt = 0; attempt < 2; attempt++) {
    expect(() => openDatabase(file, migrations)).toThrow(/0002-broken\.sql/);
  }
  await migration('0002-broken.sql', 'create table half (a text);');
  openDatabase(file, migrations).close();
});

test('[PJ5] data of a newer version is refused in one sentence and left alone', async () => {
  await migration('0002-more.sql', 'create table more (a text);');
  openDatabase(file, migrations).close();
  await rm(join(migrations, '0002-more.sql'));
  expect(() => openDatabase(file, migrations)).toThrow(
    expect.objectContaining({ code: 'conflict', message: expect.stringContaining('written by a newer version') }),
  );
});

test('[PJ5] a file that is no database is refused with its name', async () => {
  await mkdir(join(folder, 'data'));
  await writeFile(file, 'this is not a database, it is a text of some length'.repeat(100));
  expect(() => openDatabase(file)).toThrow(
    expect.objectContaining({ code: 'storage', message: expect.stringContaining(file) }),
  );
});

test('[PJ5] a gap in the numbers of the migrations is refused', async () => {
  await migration('0003-late.sql', 'select 1;');
  expect(() => openDatabase(file, migrations)).toThrow(/should be migration number 2/);
});
