import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { makeBackup } from '../../persistence/backup/make-backup.ts';
import { readManifest } from '../../persistence/backup/manifest.ts';
import { restoreBackup } from '../../persistence/backup/restore-backup.ts';
import { openDatabaseAsItIs } from '../../persistence/database.ts';
import { openLevelUpdateLog } from '../../persistence/log/level-update-log.ts';
import type { LogRecord } from '../../persistence/log/update-log.ts';
import { readOrCreateEpoch } from '../../persistence/office/office-facts.ts';
import type { PersonEntry } from '../../sync-server/protocol/entry.ts';
import { writeEntry } from '../../sync-server/protocol/segment.ts';
import { message } from '../support/entries.ts';
import { startOffice } from '../support/office.ts';
import { connect } from '../support/office-peer.ts';
import { OWNER, signIn } from '../support/office-people.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { makeOffice, writeOn } from './made-office.ts';
import { type Ending, RunningScript } from './running-office.ts';

const run = (script: string, ...args: string[]): Promise<Ending> =>
  new RunningScript(`scripts/${script}.ts`, args).ended;

/** Runs a backup that must succeed, and answers its folder. */
async function backUp(dataFolder: string, ...args: string[]): Promise<string> {
  const { code, output } = await run('backup', '--data', dataFolder, ...args);
  expect({ code, output }).toMatchObject({ code: 0 });
  return output.trim();
}

describe('a backup of a running office', () => {
  test('[BK2] holds all that had a receipt when it began, and starts elsewhere as an office in which all is well', async () => {
    const dataFolder = tempFolder();
    const office = new RunningScript(
      'tests/scripts/stand-ins/office-without-agents.ts',
      ['--data', dataFolder, '--no-open', '--port', '0'],
      { DAENA_OWNER_EMAIL: OWNER.email, DAENA_OWNER_PASSWORD: OWNER.password },
    );
    await office.printed('Stop: ');
    const url = /ready at (\S+)/.exec(office.output)?.[1] ?? '';
    const { me, caller } = await signIn(() => url);
    const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
    const writer = await connect(caller, session.documents.live, { receipts: true }).synced();
    const writing = writeOn(writer, me.id);
    await until('a hundred receipts', () => writing.acknowledged().length > 100);

    const before = writing.acknowledged();
    const backup = await backUp(dataFolder, '--to', join(dataFolder, 'elsewhere'));
    expect(writing.acknowledged().length).toBeGreaterThan(before.length);
    await writing.stop();
    office.child.kill('SIGINT');
    expect((await office.ended).code).toBe(0);

    const restored = join(tempFolder(), 'restored');
    expect(await run('restore', '--from', backup, '--data', restored)).toMatchObject({ code: 0 });
    const again = await startOffice({ dataFolder: restored });
    const owner = await again.signIn();
    const reader = await connect(owner.caller, session.documents.live).synced();
    expect(before.filter((id) => !reader.has(id))).toEqual([]);
    const messages = await owner.caller.call('session', { params: { id: session.session_id } });
    expect(messages.session.message_count).toBe(reader.entries.filter(({ kind }) => kind === 'message').length);
    reader.leave();
    await again.stop();
    expect(await run('doctor', '--data', restored)).toMatchObject({ code: 0 });
  });

  test('is refused with a sentence where it cannot be written, and the office goes on', async () => {
    const dataFolder = tempFolder();
    const office = new RunningScript('tests/scripts/stand-ins/office-without-agents.ts', [
      '--data',
      dataFolder,
      '--no-open',
      '--port',
      '0',
    ]);
    await office.printed('Stop: ');
    writeFileSync(join(dataFolder, 'a-file'), '');
    const { code, output } = await run('backup', '--data', dataFolder, '--to', join(dataFolder, 'a-file'));
    expect(code).toBe(1);
    expect(output).toMatch(/^No backup can be written to .*a-file: .*\n$/);
    expect(await run('doctor', '--data', dataFolder)).toMatchObject({
      code: 1,
      output: expect.stringContaining('stop it first'),
    });
    expect(await run('restore', '--from', dataFolder, '--data', dataFolder, '--replace')).toMatchObject({
      code: 1,
      output: expect.stringContaining('stop it first'),
    });
    await backUp(dataFolder);
  });
});

describe('a backup of a stopped office', () => {
  test('[BK3] is private, takes secrets and settings along, and is restored under a new epoch over data that is kept', async () => {
    const { dataFolder } = await makeOffice();
    writeFileSync(join(dataFolder, 'server.env'), '# mine\n');
    const backup = await backUp(dataFolder);
    expect(backup.startsWith(join(dataFolder, 'backups'))).toBe(true);
    expect(statSync(backup).mode & 0o777).toBe(0o700);
    for (const name of ['auth.secret', 'worker.token', 'server.env', 'daena.sqlite'])
      expect(statSync(join(backup, name)).mode & 0o777).toBe(0o600);

    const refused = await run('restore', '--from', backup, '--data', dataFolder);
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('--replace') });
    const { code, output } = await run('restore', '--from', backup, '--data', dataFolder, '--replace');
    expect({ code, output }).toMatchObject({ code: 0 });
    const aside = /before is in (.+)\.\n$/.exec(output)?.[1] ?? '';
    for (const name of ['auth.secret', 'worker.token', 'server.env']) {
      expect(readFileSync(join(dataFolder, name))).toEqual(readFileSync(join(aside, name)));
      expect(statSync(join(dataFolder, name)).mode & 0o777).toBe(0o600);
    }
    expect(existsSync(backup)).toBe(true);
    expect(existsSync(join(dataFolder, 'daena.lock'))).toBe(false);
    const manifest = await readManifest(backup);
    expect(epochOf(aside)).toBe(manifest?.epoch);
    expect(epochOf(dataFolder)).not.toBe(manifest?.epoch);
    rmSync(aside, { recursive: true });
    expect(await run('doctor', '--data', dataFolder)).toMatchObject({ code: 0 });
  });

  test('[BK2] whose log is newer than its database is one whole when it is restored', async () => {
    const { dataFolder, document, ownerId, sessionId } = await makeOffice();
    const late = message(ownerId, 500, { body: 'between the two copies' });
    const database = openDatabaseAsItIs(join(dataFolder, 'daena.sqlite'));
    const log = await openLevelUpdateLog(join(dataFolder, 'log'));
    const copyLate = async (folder: string, signal: AbortSignal) => {
      // Projected and marked so meanwhile: in the live office nothing is left to catch up with.
      const clock = await log.append(recordOf(document, ownerId, late));
      await log.markProjected(document, clock);
      await log.copyTo?.(folder, signal);
    };
    const parts = {
      database,
      log: { copyTo: copyLate },
      dataFolder,
      version: '0',
      into: tempFolder(),
      keep: 1,
      now: () => Date.now(),
    };
    const from = await makeBackup(parts, new AbortController().signal);
    database.close();
    await log.close();
    const restored = join(tempFolder(), 'data');
    await restoreBackup({ from, dataFolder: restored, isReplacing: false, passing: [], now: () => Date.now() });
    const again = await startOffice({ dataFolder: restored });
    const { caller } = await again.signIn();
    const { messages } = await caller.call('messages', { params: { id: sessionId } });
    expect(messages.map(({ content }) => content)).toContain(late.body);
    await again.stop();
    expect(await run('doctor', '--data', restored)).toMatchObject({ code: 0 });
  });

  test('takes the place of the oldest of this office, and of nothing else', async () => {
    const { dataFolder } = await makeOffice();
    const into = tempFolder();
    mkdirSync(join(into, 'daena-20200101-000000-000'));
    mkdirSync(join(into, 'daena-20200101-000000-001.unfinished'));
    mkdirSync(join(into, 'holiday pictures'));
    const first = await backUp(dataFolder, '--to', into, '--keep', '2');
    const foreign = join(into, 'daena-20200102-000000-000');
    cpSync(first, foreign, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(foreign, 'manifest.json'), 'utf8'));
    writeFileSync(join(foreign, 'manifest.json'), JSON.stringify({ ...manifest, epoch: 'of another office' }));
    const second = await backUp(dataFolder, '--to', into, '--keep', '2');
    const third = await backUp(dataFolder, '--to', into, '--keep', '2');
    expect(readdirSync(into).map((name) => join(into, name))).toEqual([
      join(into, 'daena-20200101-000000-000'),
      foreign,
      second,
      third,
      join(into, 'holiday pictures'),
    ]);
  });
});

describe('restore refuses', () => {
  test('[BK3] a backup that is not as it was made, and leaves the data as it was', async () => {
    const { dataFolder } = await makeOffice();
    const backup = await backUp(dataFolder);
    for (const [tamper, why] of TAMPERINGS) {
      const tampered = join(tempFolder(), 'backup');
      cpSync(backup, tampered, { recursive: true });
      tamper(tampered);
      const restoring = { from: tampered, dataFolder, isReplacing: true, passing: [], now: () => Date.now() };
      await expect(restoreBackup(restoring)).rejects.toThrow(why);
    }
    expect(await run('doctor', '--data', dataFolder)).toMatchObject({ code: 0 });
  });

  test('[BK3] what a backup leaves that was killed half-way', async () => {
    const { dataFolder } = await makeOffice();
    for (const stage of ['database copied', 'log copied']) {
      const into = tempFolder();
      await new RunningScript('tests/scripts/stand-ins/backup-until-killed.ts', [dataFolder, into, stage]).ended;
      const left = readdirSync(into);
      expect(left).toEqual([expect.stringMatching(/\.unfinished$/)]);
      // Never the log before the database: what the log has more can be projected, the other way round it is lost.
      expect(existsSync(join(into, left[0] ?? '', 'daena.sqlite'))).toBe(true);
      const { code, output } = await run('restore', '--from', join(into, left[0] ?? ''), '--data', join(into, 'data'));
      expect(code).toBe(1);
      expect(output).toContain('is no finished backup');
      expect(readdirSync(join(into, 'data'))).toEqual([]);
    }
  });
});

/** A record with one entry of a person's, under a client id of theirs. */
function recordOf(document: string, author: string, entry: PersonEntry): LogRecord {
  const doc = new Y.Doc();
  doc.clientID = 4_242;
  writeEntry(doc, entry);
  return {
    document,
    update: Y.encodeStateAsUpdate(doc),
    meta: new Map([['c:4242', new TextEncoder().encode(author)]]),
  };
}

const TAMPERINGS: readonly (readonly [(backup: string) => void, string])[] = [
  [(backup) => appendFileSync(join(backup, 'daena.sqlite'), 'x'), 'daena.sqlite was changed'],
  [flipBitOfLog, '.log was changed'],
  [(backup) => rmSync(join(backup, 'auth.secret')), 'lacks auth.secret'],
  [(backup) => writeFileSync(join(backup, 'log', '000099.ldb'), ''), '000099.ldb was added'],
  [(backup) => truncate(join(backup, 'manifest.json')), 'is no finished backup'],
  [(backup) => rmSync(join(backup, 'manifest.json')), 'is no finished backup'],
];

function flipBitOfLog(backup: string): void {
  const name = readdirSync(join(backup, 'log')).find((file) => file.endsWith('.log')) ?? '';
  const bytes = readFileSync(join(backup, 'log', name));
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
  writeFileSync(join(backup, 'log', name), bytes);
}

const truncate = (file: string): void => writeFileSync(file, readFileSync(file).subarray(0, 100));

function epochOf(dataFolder: string): string {
  const database = openDatabaseAsItIs(join(dataFolder, 'daena.sqlite'));
  try {
    return readOrCreateEpoch(database);
  } finally {
    database.close();
  }
}
