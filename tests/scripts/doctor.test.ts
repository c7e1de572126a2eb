import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { type Database, openDatabase } from '../../persistence/database.ts';
import { updateKey } from '../../persistence/log/level-keys.ts';
import { openLevelStore } from '../../persistence/log/level-store.ts';
import { openLevelUpdateLog } from '../../persistence/log/level-update-log.ts';
import { QUARANTINE, Quarantine } from '../../persistence/quarantine/quarantine.ts';
import { treatOffice } from '../../scripts/doctor/treat.ts';
import { createLiveRow, writeEntry } from '../../sync-server/protocol/segment.ts';
import { turnIdOf } from '../../sync-server/protocol/turn.ts';
import { message, ulid } from '../support/entries.ts';
import { startOffice } from '../support/office.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { type MadeOffice, makeOffice } from './made-office.ts';
import { type Ending, RunningScript } from './running-office.ts';

const runDoctor = (dataFolder: string): Promise<Ending> =>
  new RunningScript('scripts/doctor.ts', ['--data', dataFolder]).ended;

interface Treated {
  readonly isWell: boolean;
  readonly output: string;
}

async function doctor(dataFolder: string, isRepairing = false): Promise<Treated> {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const isWell = await treatOffice({ dataFolder, isRepairing, say, signal: new AbortController().signal });
  return { isWell, output: lines.join('\n') };
}

/** The names of the checks that failed, in the first report. */
function failedIn({ output }: Treated): string[] {
  const [report = ''] = output.split('Mended from the log');
  return [...report.matchAll(/^FAIL {2}(\w+):/gm)].map(([, name]) => name ?? '');
}

/** The same office's data again, for another fault. */
function copyOf(office: MadeOffice): MadeOffice {
  const dataFolder = join(tempFolder(), 'data');
  cpSync(office.dataFolder, dataFolder, { recursive: true });
  return { ...office, dataFolder };
}

function inDatabase<Result>({ dataFolder }: MadeOffice, look: (database: Database) => Result): Result {
  const database = openDatabase(join(dataFolder, 'daena.sqlite'));
  try {
    return look(database);
  } finally {
    database.close();
  }
}

const change =
  (sql: string) =>
  (office: MadeOffice): void =>
    inDatabase(office, (database) => {
      database.pragma('foreign_keys = OFF');
      expect(database.prepare(sql).run().changes).toBeGreaterThan(0);
    });

const messagesOf = (office: MadeOffice): unknown =>
  inDatabase(office, (database) =>
    database.prepare('SELECT *, NULL AS number FROM chat_messages ORDER BY message_id').all(),
  );

const eventsOf = (office: MadeOffice): unknown =>
  inDatabase(office, (database) => database.prepare('SELECT * FROM event_log ORDER BY event_id').all());

describe('npm run doctor', () => {
  test('[QU1] tells what was set aside, and finds nothing wrong in that', async () => {
    const { dataFolder, document } = await makeOffice();
    const quarantine = new Quarantine(join(dataFolder, QUARANTINE), () => undefined);
    for (let at = 1; at <= 7; at++)
      quarantine.put({ document, principal: 'mallory', at, reason: `reason ${at}`, update: new Uint8Array(12) });
    await quarantine.settled();
    const { isWell, output } = await doctor(dataFolder);
    expect(isWell).toBe(true);
    expect(output).toContain(
      `note  quarantine: 1970-01-01T00:00:00.007Z ${document}, from mallory, 12 bytes: reason 7`,
    );
    expect(output).toContain('and 2 older ones');
  });

  test('[DR1] finds nothing wrong with an office that was stopped, or killed', async () => {
    const office = await makeOffice();
    const { code, output } = await runDoctor(office.dataFolder);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^(pass {2}\w+: .+\n){8}$/) });
    const running = await startOffice({ dataFolder: office.dataFolder });
    const { caller } = await running.signIn();
    expect(await runDoctor(office.dataFolder)).toMatchObject({
      code: 1,
      output: expect.stringContaining('already open in another process'),
    });
    await caller.call('postMessage', { params: { id: office.sessionId }, body: { content: 'the last words' } });
    await running.kill9();
    expect(await runDoctor(office.dataFolder)).toMatchObject({ code: 0 });
  });

  test('[DR1] [DR2] finds each fault of the read model, and makes it anew from the log without telling anything twice', async () => {
    const well = await makeOffice();
    const faults: readonly (readonly [string, string[], string])[] = [
      [`DELETE FROM chat_messages WHERE content = 'word 3'`, ['projection'], 'is missing'],
      [
        `UPDATE chat_messages SET content = 'forged' WHERE content = 'word 5'`,
        ['projection'],
        'is not what was written',
      ],
      [`UPDATE message_search SET content = 'other' WHERE rowid = 4`, ['projection'], 'is not what was written'],
      [`DELETE FROM chat_entries WHERE kind = 'reply'`, ['projection'], 'is missing'],
      [`UPDATE chat_sessions SET title = 'Forged'`, ['projection'], 'its title is "Forged"'],
      [`UPDATE chat_sessions SET message_count = 99`, ['projection'], 'its messageCount is 99'],
      [`UPDATE chat_sessions SET binned_at = 1`, ['projection'], 'its isBinned is true'],
      ['DELETE FROM watermarks', ['watermarks'], 'is read through record -1'],
    ];
    const [messages, events] = [messagesOf(well), eventsOf(well)];
    for (const [sql, checks, why] of faults) {
      const sick = copyOf(well);
      change(sql)(sick);
      const found = await doctor(sick.dataFolder);
      expect({ sql, isWell: found.isWell, failed: failedIn(found) }).toEqual({ sql, isWell: false, failed: checks });
      expect(found.output).toContain(why);
      const repaired = await doctor(sick.dataFolder, true);
      expect({ sql, isWell: repaired.isWell, failed: failedIn(repaired) }).toEqual({
        sql,
        isWell: true,
        failed: checks,
      });
      expect(messagesOf(sick)).toEqual(messages);
      expect(eventsOf(sick)).toEqual(events);
    }
  });

  test('[DR1] finds what no log can mend, and loses no message over it', async () => {
    const well = await makeOffice();
    const faults: readonly (readonly [(office: MadeOffice) => Promise<void> | void, string[], string])[] = [
      [damageRecord, ['log'], 'records 3 are unreadable'],
      [change(`DELETE FROM turns`), ['turns'], 'has no turn'],
      [change(TURN_WITHOUT_END), ['turns'], 'is done and its reply is not in the log'],
      [change(TURN_WITHOUT_CAUSE), ['turns'], 'what it answers is not in the log'],
      [(office) => leaveLiveRow(office), ['bindings', 'rows'], 'nobody is bound to client 77'],
      [forgeAuthor, ['bindings'], 'was written by'],
      [change(`UPDATE "user" SET disabled = 1`), ['accounts'], 'no owner can sign in'],
      [change(`DELETE FROM "account"`), ['accounts'], 'no owner can sign in'],
      [leavePending, ['log'], 'changes are missing'],
      [change(ENTRY_WITHOUT_RECORD), ['log', 'projection'], 'the database knows 1 entries that the log has lost'],
      [change(`UPDATE chat_sessions SET owner = 'somebody else'`), ['database'], 'is not whose it was'],
    ];
    for (const [plant, checks, why] of faults) {
      const sick = copyOf(well);
      await plant(sick);
      const messages = messagesOf(sick);
      const found = await doctor(sick.dataFolder, true);
      expect({ why, isWell: found.isWell, failed: failedIn(found) }).toEqual({ why, isWell: false, failed: checks });
      expect(found.output).toContain(why);
      expect(messagesOf(sick)).toEqual(messages);
    }
  });

  test('[DR2] ends a turn whose reply is there, and removes a row that nobody writes', async () => {
    const sick = await makeOffice();
    change(`UPDATE turns SET state = 'writing' WHERE id = '${sick.turn}'`)(sick);
    await leaveLiveRow(sick, 'a stranger');
    const found = await doctor(sick.dataFolder);
    expect({ isWell: found.isWell, failed: failedIn(found) }).toEqual({ isWell: false, failed: ['turns', 'rows'] });
    expect(found.output).toContain('is writing though its reply is there');
    expect(await doctor(sick.dataFolder, true)).toMatchObject({ isWell: true });
    expect(await doctor(sick.dataFolder)).toMatchObject({ isWell: true });
  });

  test('[DR2] never rebuilds from a log that is damaged: the database may hold what that has lost', async () => {
    const sick = await makeOffice();
    await damageRecord(sick);
    change(`DELETE FROM watermarks`)(sick);
    const messages = messagesOf(sick);
    const { isWell, output } = await doctor(sick.dataFolder, true);
    expect(isWell).toBe(false);
    expect(output).toContain('Nothing was mended');
    expect(messagesOf(sick)).toEqual(messages);
  });
});

const ENTRY_WITHOUT_RECORD = `INSERT INTO chat_entries (session_id, entry_id, segment, kind, author, at, target, value)
  SELECT session_id, '${ulid(8_888)}', segment, kind, author, at, target, replace(value, entry_id, '${ulid(8_888)}')
  FROM chat_entries WHERE kind = 'react' OR kind = 'message' ORDER BY kind DESC LIMIT 1`;

/** A record that builds on one that is nowhere. */
async function leavePending({ dataFolder, document, ownerId }: MadeOffice): Promise<void> {
  const doc = new Y.Doc();
  doc.clientID = 79;
  writeEntry(doc, message(ownerId, 700));
  const known = Y.encodeStateVector(doc);
  writeEntry(doc, message(ownerId, 701));
  const log = await openLevelUpdateLog(join(dataFolder, 'log'));
  const meta = new Map([['c:79', new TextEncoder().encode(ownerId)]]);
  await log.append({ document, update: Y.encodeStateAsUpdate(doc, known), meta });
  await log.close();
}

/** Another turn beside the one that there is. */
const anotherTurn = (cause: string, state: string): string =>
  `INSERT INTO turns (id, session_id, cause, agent, step, stage, group_id, asked_by, state, queued_at, since)
   SELECT '${turnIdOf('any', cause, 'daena', 'note')}', session_id, ${cause}, agent, 'note', stage, group_id, asked_by,
     '${state}', queued_at, since FROM turns LIMIT 1`;
const TURN_WITHOUT_END = anotherTurn('cause', 'done');
const TURN_WITHOUT_CAUSE = anotherTurn(`'${ulid(9_999)}'`, 'queued');

/** One record's bytes go rotten. */
async function damageRecord({ dataFolder, document }: MadeOffice): Promise<void> {
  const store = await openLevelStore(join(dataFolder, 'log'));
  await store.write([{ type: 'put', key: updateKey(document, 3), value: new Uint8Array([255, 1, 2]) }], { sync: true });
  await store.close();
}

/** Somebody of whom nothing is known began to write. */
async function leaveLiveRow({ dataFolder, document, turn }: MadeOffice, writer?: string): Promise<void> {
  const doc = new Y.Doc();
  doc.clientID = 77;
  createLiveRow(doc, {
    turn,
    attempt: 7,
    agent: 'daena',
    cause: ulid(1),
    step: 'answer',
    at: 1,
    model: 'any',
    isRehearsed: true,
  });
  const log = await openLevelUpdateLog(join(dataFolder, 'log'));
  const meta = new Map(writer === undefined ? [] : [['c:77', new TextEncoder().encode(writer)]]);
  await log.append({ document, update: Y.encodeStateAsUpdate(doc), meta });
  await log.close();
}

/** The client id under which the messages were written is given to somebody else. */
async function forgeAuthor({ dataFolder, document, ownerId }: MadeOffice): Promise<void> {
  const log = await openLevelUpdateLog(join(dataFolder, 'log'));
  const { meta } = await log.read(document);
  const text = new TextDecoder();
  const [key = ''] = [...meta].find(([, value]) => text.decode(value) === ownerId) ?? [];
  const doc = new Y.Doc();
  doc.clientID = 78;
  doc.getMap('other').set('a', 1);
  const stranger = new TextEncoder().encode('a stranger');
  await log.append({
    document,
    update: Y.encodeStateAsUpdate(doc),
    meta: new Map([
      [key, stranger],
      ['c:78', stranger],
    ]),
  });
  await log.close();
}
