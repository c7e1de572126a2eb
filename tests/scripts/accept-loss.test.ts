import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { openDatabase } from '../../persistence/database.ts';
import { updateKey } from '../../persistence/log/level-keys.ts';
import { openLevelStore } from '../../persistence/log/level-store.ts';
import { openLevelUpdateLog } from '../../persistence/log/level-update-log.ts';
import { readEntries, writeEntry } from '../../sync-server/protocol/segment.ts';
import { hasPending, loadDocument } from '../../sync-server/room/room-document.ts';
import { message, ulid } from '../support/entries.ts';
import { startOffice } from '../support/office.ts';
import { connect, contentOf } from '../support/office-peer.ts';
import { addMember } from '../support/office-people.ts';
import { until } from '../support/until.ts';
import { type MadeOffice, makeOffice } from './made-office.ts';
import { type Ending, RunningScript } from './running-office.ts';

const doctor = (dataFolder: string, ...args: string[]): Promise<Ending> =>
  new RunningScript('scripts/doctor.ts', ['--data', dataFolder, ...args]).ended;

type Where = Pick<MadeOffice, 'dataFolder' | 'document'>;

/** One record is gone from the disk, or its bytes are others. */
async function lose({ dataFolder, document }: Where, clock: number, how: 'gone' | 'rotten'): Promise<void> {
  const store = await openLevelStore(join(dataFolder, 'log'));
  const key = updateKey(document, clock);
  const change = how === 'gone' ? ({ type: 'del', key } as const) : ({ type: 'put', key, value: ROT } as const);
  await store.write([change], { sync: true });
  await store.close();
}
const ROT = new Uint8Array([255, 1, 2]);

/** The clock of the record that holds an entry. */
async function recordOf({ dataFolder, document }: Where, id: string): Promise<number> {
  const log = await openLevelUpdateLog(join(dataFolder, 'log'));
  const { updates } = await log.read(document);
  await log.close();
  const clock = updates.findIndex((update) => Buffer.from(update).includes(id));
  expect(clock).toBeGreaterThan(-1);
  return clock;
}

async function loggedIn({ dataFolder, document }: Where) {
  const log = await openLevelUpdateLog(join(dataFolder, 'log'));
  const loaded = await loadDocument(log, document);
  await log.close();
  return {
    ...loaded,
    ids: readEntries(loaded.doc)
      .map(({ id }) => id)
      .sort(),
  };
}

function bodiesOf({ dataFolder, sessionId }: MadeOffice): readonly unknown[] {
  const database = openDatabase(join(dataFolder, 'daena.sqlite'));
  const rows = database
    .prepare('SELECT message_id, content, edited_at FROM chat_messages WHERE session_id = ? ORDER BY message_id')
    .all(sessionId);
  database.close();
  return rows;
}

test('[LO6] [LO8] a lost record makes its session read-only, nothing else, until the loss is accepted: then all others are there and it goes on', async () => {
  for (const how of ['gone', 'rotten'] as const) {
    const office = await makeOffice();
    const before = await loggedIn(office);
    const lost = ulid(5);
    await lose(office, await recordOf(office, lost), how);
    expect(await doctor(office.dataFolder)).toMatchObject({ code: 1, output: expect.stringContaining('unreadable') });

    const running = await startOffice({ dataFolder: office.dataFolder });
    const { caller, me } = await running.signIn();
    const params = { id: office.sessionId };
    expect((await caller.send('postMessage', { params, body: { content: 'no' } })).status).toBe(503);
    const { messages } = await caller.call('messages', { params });
    expect(messages.map(({ message_id }) => message_id)).toContain(lost);
    const other = await caller.call('startChat', { body: { scope_type: 'general' } });
    const elsewhere = { id: other.session.session_id };
    await caller.call('postMessage', { params: elsewhere, body: { content: 'yes' } });
    await running.stop();

    const { code, output } = await doctor(office.dataFolder, '--accept-loss');
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toContain(`lost  message ${lost} of ${me.id}`);
    expect(output).toContain('word 5');
    const [folder = '', ...more] = readdirSync(join(office.dataFolder, 'lost'));
    expect(more).toEqual([]);
    const kept = join(office.dataFolder, 'lost', folder);
    expect(existsSync(join(kept, 'log', 'CURRENT')) && existsSync(join(kept, 'daena.sqlite'))).toBe(true);
    expect(JSON.parse(readFileSync(join(kept, 'lost.json'), 'utf8'))).toMatchObject({
      entries: [{ session: office.sessionId, id: lost, text: 'word 5', entry: message(me.id, 5, { body: 'word 5' }) }],
      turns: [{ cause: lost, state: 'queued' }],
    });

    const after = await loggedIn(office);
    expect([after.damage, hasPending(after.doc)]).toEqual([null, false]);
    expect(after.ids).toEqual(before.ids.filter((id) => id !== lost));
    expect(after.owners).toEqual(before.owners);
    const again = await startOffice({ dataFolder: office.dataFolder });
    const owner = await again.signIn();
    const reader = await connect(owner.caller, office.document, { receipts: true }).synced();
    await owner.caller.call('postMessage', { params, body: { content: 'it goes on' } });
    reader.write(message(me.id, 900, { body: 'also by socket' }));
    await until('the receipt', () => reader.isSaved);
    expect((await owner.caller.call('messages', { params: elsewhere })).messages.map(({ content }) => content)).toEqual(
      ['yes'],
    );
    reader.leave();
    await again.stop();
    expect(await doctor(office.dataFolder)).toMatchObject({ code: 0 });
    expect(await doctor(office.dataFolder, '--accept-loss')).toMatchObject({
      code: 0,
      output: expect.stringContaining('Nothing is lost.'),
    });
  }
});

test('[LO8] a record that was lost at the end is found by what the database knows, and is accepted as any other', async () => {
  const office = await makeOffice();
  const { lastClock } = await loggedIn(office);
  await lose(office, lastClock, 'gone');
  const bodies = bodiesOf(office);
  const { code, output } = await doctor(office.dataFolder, '--repair');
  expect(code).toBe(1);
  expect(output).toContain('the database knows 1 entries that the log has lost');
  expect(bodiesOf(office)).toEqual(bodies);
  expect(await doctor(office.dataFolder, '--accept-loss')).toMatchObject({
    code: 0,
    output: expect.stringContaining('word 12'),
  });
  expect(bodiesOf(office)).toHaveLength(bodies.length - 1);
});

test('[LO8] what a compaction replaced is still there: with it a lost merge loses nothing', async () => {
  const office = await makeOffice();
  const before = await loggedIn(office);
  const log = await openLevelUpdateLog(join(office.dataFolder, 'log'));
  const { updates } = await log.read(office.document);
  await log.compact(office.document, before.lastClock, Y.mergeUpdates([...updates]));
  await log.close();
  await lose(office, before.lastClock, 'rotten');
  expect(await doctor(office.dataFolder)).toMatchObject({ code: 1 });
  const { code, output } = await doctor(office.dataFolder, '--accept-loss');
  expect({ code, output }).toMatchObject({
    code: 0,
    output: expect.stringContaining('no entry that was shown is lost'),
  });
  const after = await loggedIn(office);
  expect(contentOf(after.doc)).toBe(contentOf(before.doc));
  expect(after.owners).toEqual(before.owners);
});

test('[LO8] [INV11] changes that build on something the log never had are let go of, and what is there of them is kept', async () => {
  const office = await makeOffice();
  const device = new Y.Doc();
  device.clientID = 79;
  writeEntry(device, message(office.ownerId, 700));
  const known = Y.encodeStateVector(device);
  writeEntry(device, message(office.ownerId, 701));
  const log = await openLevelUpdateLog(join(office.dataFolder, 'log'));
  await log.append({ document: office.document, update: Y.encodeStateAsUpdate(device, known) });
  await log.close();
  expect(await doctor(office.dataFolder)).toMatchObject({ code: 1, output: expect.stringContaining('are missing') });
  expect(await doctor(office.dataFolder, '--accept-loss')).toMatchObject({ code: 0 });
  const after = await loggedIn(office);
  expect(after.damage).toBeNull();
  expect(after.ids).toContain(ulid(701));
  expect(after.owners.get(79)).toBe(office.ownerId);
});

test('[LO8] where the reply or the question of a turn is lost, nobody is left waiting for it', async () => {
  const office = await makeOffice();
  await lose(office, await recordOf(office, office.turn), 'gone');
  const { code, output } = await doctor(office.dataFolder, '--accept-loss');
  expect({ code, output }).toMatchObject({ code: 0 });
  const [folder = ''] = readdirSync(join(office.dataFolder, 'lost'));
  const { turns } = JSON.parse(readFileSync(join(office.dataFolder, 'lost', folder, 'lost.json'), 'utf8'));
  expect(turns).toMatchObject([{ id: office.turn }]);
});

test('[LO9] who wrote what is lost brings it back to a room that is read-only, and nothing new; then no loss is left to accept', async () => {
  const first = await startOffice();
  const signed = await first.signIn();
  const { session } = await signed.caller.call('startChat', { body: { scope_type: 'general' } });
  const office = { dataFolder: first.dataFolder, document: session.documents.live };
  const writer = await connect(signed.caller, office.document, { receipts: true }).synced();
  for (let n = 1; n <= 8; n++) writer.write(message(signed.me.id, n));
  await until('all saved', () => writer.isSaved);
  writer.leave();
  await first.stop();
  const before = await loggedIn(office);
  const [inside, last] = [await recordOf(office, ulid(3)), await recordOf(office, ulid(8))];
  expect(last).toBe(before.lastClock);
  await lose(office, inside, 'rotten');
  await lose(office, last, 'gone');

  const damaged = await startOffice({ dataFolder: office.dataFolder });
  const { caller } = await damaged.signIn();
  const reader = await connect(caller, office.document).synced();
  expect([3, 4, 7, 8].map((n) => reader.has(ulid(n)))).toEqual([false, false, false, false]);
  const back = connect(caller, office.document, { doc: writer.doc, receipts: true });
  back.write(message(signed.me.id, 50, { body: 'new, not taken' }));
  await until('the lost ones', () => [3, 4, 7, 8].every((n) => reader.has(ulid(n))));
  await back.roundTrip();
  await reader.roundTrip();
  expect(reader.has(ulid(50))).toBe(false);
  expect(back.closes).toEqual([]);
  expect(back.saved.get(writer.doc.clientID)).toBe(8);
  for (const peer of [back, reader]) peer.leave();
  await damaged.stop();

  const refilled = await loggedIn(office);
  expect(refilled.ids).toEqual(before.ids);
  expect(hasPending(refilled.doc)).toBe(false);
  expect(await doctor(office.dataFolder, '--accept-loss')).toMatchObject({
    code: 0,
    output: expect.stringContaining('no entry that was shown is lost'),
  });
  const again = await startOffice({ dataFolder: office.dataFolder });
  const owner = await again.signIn();
  const device = await connect(owner.caller, office.document, { doc: writer.doc, receipts: true }).synced();
  await until('what was new is taken now', () => device.isSaved);
  expect(device.nacks).toEqual([]);
});

test('[LO9] a damaged room takes nothing back from anybody else than who wrote it', async () => {
  const office = await makeOffice();
  const whole = await loggedIn(office);
  await lose(office, await recordOf(office, ulid(5)), 'rotten');
  const running = await startOffice({ dataFolder: office.dataFolder });
  const { caller } = await running.signIn();
  const bob = await addMember(caller, 'bob');
  const reader = await connect(bob.caller, office.document, { doc: whole.doc }).synced();
  await reader.roundTrip();
  const fresh = await connect(caller, office.document).synced();
  expect(fresh.has(ulid(5))).toBe(false);
  expect(reader.closes).toEqual([]);
});
