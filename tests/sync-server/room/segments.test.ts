import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../../persistence/database.ts';
import { openLevelUpdateLog } from '../../../persistence/log/level-update-log.ts';
import type { UpdateLog } from '../../../persistence/log/update-log.ts';
import type { Entry, PersonEntry } from '../../../sync-server/protocol/entry.ts';
import { fold } from '../../../sync-server/protocol/fold.ts';
import type { EntryId } from '../../../sync-server/protocol/ids.ts';
import { CommitGate } from '../../support/commit-gate.ts';
import { messageNow as message, ulid } from '../../support/entries.ts';
import type { OfficeCaller } from '../../support/office-caller.ts';
import { type HeldOffice, openHeldOffice } from '../../support/office-in-process.ts';
import { connect, type OfficePeer } from '../../support/office-peer.ts';
import { addMember } from '../../support/office-people.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const LIMITS = { entries: 5, bytes: 100_000, sealedEntries: 12, sealedBytes: 200_000 };

async function startSession(office: HeldOffice) {
  const { session_id: id } = await office.owner.caller.call('startChat', { body: { scope_type: 'general' } });
  return { id, segment: (n: number) => `session/${id}/${n}` };
}

const liveOf = async (office: HeldOffice, id: string): Promise<string> =>
  (await office.owner.caller.call('session', { params: { id } })).session.documents.live;

const isSealed = (peer: OfficePeer): boolean => peer.entries.some(({ kind }) => kind === 'sealed');

const messageIds = (entries: readonly Entry[]): string[] =>
  entries.flatMap(({ id, kind }) => (kind === 'message' ? [id] : [])).sort();

/** Fills segment n through a peer, and waits until it is sealed there. */
async function fill(peer: OfficePeer, author: string, from: number): Promise<void> {
  const count = LIMITS.entries - peer.entries.length;
  for (let n = from; n < from + count; n++) peer.write(message(author, n));
  await until('the segment is sealed', () => isSealed(peer));
}

test('[SG2] who has seen the seal joins the next segment at once, and what comes by HTTP goes there', async () => {
  const office = await openHeldOffice({ segmentLimits: LIMITS });
  const { caller, me } = office.owner;
  const { id, segment } = await startSession(office);
  const peer = await connect(caller, segment(1), { receipts: true }).synced();
  await connect(caller, segment(2)).closedWith(4404);
  await fill(peer, me.id, 1);
  const next = await connect(caller, segment(2), { receipts: true }).synced();
  next.write(message(me.id, 50));
  await until('it is saved', () => next.isSaved);
  expect(next.closes).toEqual([]);
  await connect(caller, segment(3)).closedWith(4404);
  await caller.call('postMessage', { params: { id }, body: { content: 'by HTTP', message_id: ulid(60) } });
  expect(next.has(ulid(60))).toBe(true);
  await caller.call('renameSession', { params: { id }, body: { title: 'Another title' } });
  expect(next.entries.some(({ kind }) => kind === 'title')).toBe(true);
  expect(peer.entries.filter(({ kind }) => kind === 'message' || kind === 'title')).toHaveLength(4);
  expect(await liveOf(office, id)).toBe(segment(2));
  const { session } = await caller.call('startChat', { body: { scope_type: 'general', session_id: id } });
  expect(session.documents.live).toBe(segment(2));
});

test('[SG2] while the log has not got the seal, the next segment is not there', async () => {
  const gate = new CommitGate();
  const office = await openHeldOffice({ segmentLimits: LIMITS, log: gate.log });
  const { caller, me } = office.owner;
  const { segment } = await startSession(office);
  const peer = await connect(caller, segment(1), { receipts: true }).synced();
  gate.hold();
  for (let n = 1; n <= 5; n++) peer.write(message(me.id, n));
  await until('the log was asked', () => gate.isHolding);
  await peer.roundTrip();
  await connect(caller, segment(2)).closedWith(4404);
  expect(isSealed(peer)).toBe(false);
  gate.release();
  await until('the seal', () => isSealed(peer));
  await connect(caller, segment(2)).synced();
});

test('[SG4] [SG6] [SE8] [RO1] devices that were offline over two rolls bring what they wrote, once each, and it is named', async () => {
  const office = await openHeldOffice({ segmentLimits: LIMITS });
  const { caller, me } = office.owner;
  const bob = await addMember(caller, 'bob');
  const { id, segment } = await startSession(office);
  const away = await connect(bob.caller, segment(1)).synced();
  away.provider.disconnect();
  const written = Date.now();
  for (let n = 101; n <= 103; n++) away.write(message(bob.me.id, n, { at: written }));
  await fill(await connect(caller, segment(1)).synced(), me.id, 1);
  await fill(await connect(caller, segment(2)).synced(), me.id, 11);
  const live = await connect(caller, segment(3)).synced();
  away.provider.connect();
  const named = await until('what came late is named', () => {
    const ids = live.entries.flatMap((entry) => (entry.kind === 'arrived' ? entry.ids : []));
    return ids.length === 3 && ids;
  });
  expect([...named].sort()).toEqual([ulid(101), ulid(102), ulid(103)]);
  expect(isSealed(away)).toBe(true);
  const { messages } = await caller.call('messages', { params: { id }, query: { limit: 200 } });
  expect(messages.map(({ message_id }) => message_id).sort()).toEqual(
    [1, 2, 3, 4, 11, 12, 13, 14, 15, 101, 102, 103].map(ulid),
  );
  // A page shows that they came late, and when.
  const page = await caller.call('segment', { params: { id, n: '1' } });
  const late = fold(page.entries).items.filter(({ arrivedAt }) => arrivedAt !== null);
  expect(late.map((item) => item.id)).toEqual([ulid(101), ulid(102), ulid(103)]);
  // Whoever was away then has it from the session's row; who wrote it has no news.
  const lateFor = async (reader: OfficeCaller) => (await reader.call('session', { params: { id } })).session.late_at;
  const { at } = live.entries.filter(({ kind }) => kind === 'arrived').at(-1) ?? {};
  expect(Date.parse((await lateFor(caller)) ?? '')).toBe(at);
  expect(await lateFor(bob.caller)).toBeNull();
  // What is named is not named again, and the word itself is not late.
  await live.roundTrip();
  expect(live.entries.filter(({ kind }) => kind === 'arrived')).toHaveLength(1);
});

test('[SG6] what comes into the live segment long after it was written is named', async () => {
  const office = await openHeldOffice();
  const { caller, me } = office.owner;
  const { segment } = await startSession(office);
  const peer = await connect(caller, segment(1)).synced();
  const now = office.clock.now();
  peer.write(message(me.id, 1, { at: now - 31_000 }));
  peer.write(message(me.id, 2, { at: now - 29_000 }));
  const named = await until('the late one is named', () => peer.entries.find(({ kind }) => kind === 'arrived'));
  expect(named).toMatchObject({ author: 'office', ids: [ulid(1)] });
});

test('[SG3] [INV4] an entry of an older segment can be edited and taken back from the live one, and its id is taken', async () => {
  const office = await openHeldOffice({ segmentLimits: LIMITS });
  const { caller, me } = office.owner;
  const bob = await addMember(caller, 'bob');
  const { id, segment } = await startSession(office);
  await fill(await connect(caller, segment(1)).synced(), me.id, 1);
  const [mine, other] = [
    await connect(caller, segment(2), { receipts: true }).synced(),
    await connect(bob.caller, segment(2), { receipts: true }).synced(),
  ];
  const at = Date.now() + 100;
  const edit = (author: string, n: number, target: EntryId): PersonEntry => {
    return { id: ulid(n), kind: 'edit', author, at, target, body: 'better words', mentions: [] };
  };
  mine.write(edit(me.id, 21, ulid(1)));
  mine.write({ id: ulid(22), kind: 'retract', author: me.id, at, target: ulid(2) });
  mine.write(message(me.id, 3, { body: 'another third' }));
  other.write(edit(bob.me.id, 23, ulid(1)));
  await until('both are told', () => mine.nacks.length === 1 && other.nacks.length === 1);
  expect([mine.nacks[0]?.code, other.nacks[0]?.code]).toEqual(['duplicate', 'permission']);
  const page = await until('the page shows it', async () => {
    const { entries } = await caller.call('segment', { params: { id, n: '1' } });
    return entries.some(({ kind }) => kind === 'retract') && entries;
  });
  const [first, second] = fold(page).items;
  expect(first).toMatchObject({ id: ulid(1), body: 'better words' });
  expect(second).toMatchObject({ id: ulid(2), isRetracted: true, body: '' });
});

/** A log on the disk that says when a record with these bytes became durable, before anybody else hears of it. */
async function tellingLog(folder: string, words: string, onDurable: () => void): Promise<UpdateLog> {
  const log = await openLevelUpdateLog(folder, { durability: 'process' });
  return {
    append: async (record) => {
      const clock = await log.append(record);
      if (Buffer.from(record.update).includes(words)) onDurable();
      return clock;
    },
    read: (document) => log.read(document),
    dirty: () => log.dirty(),
    markProjected: (document, throughClock) => log.markProjected(document, throughClock),
    documents: () => log.documents(),
    compact: (document, throughClock, merged) => log.compact(document, throughClock, merged),
    reopen: (document) => log.reopen(document),
    close: () => log.close(),
  };
}

test('[SG5] [INV8] a crash between the seal and its projection changes nothing: the next segment is live after it', async () => {
  const copies: string[] = [];
  const office = await openHeldOffice({
    segmentLimits: LIMITS,
    openLog: (folder) =>
      tellingLog(folder, 'sealed', () => {
        const copy = join(tempFolder(), 'data');
        cpSync(join(folder, '..'), copy, { recursive: true });
        copies.push(copy);
      }),
  });
  const { caller, me } = office.owner;
  const { id, segment } = await startSession(office);
  const peer = await connect(caller, segment(1)).synced();
  for (const n of [1, 2, 3]) peer.write(message(me.id, n));
  // Nothing is under way when the last one comes, so that the copy is what a crash leaves.
  await until('all is projected', async () => {
    const { messages } = await caller.call('messages', { params: { id } });
    return messages.length === 3 && (await office.gauge('daena_projection_backlog')) === 0;
  });
  peer.write(message(me.id, 4));
  await until('the segment is sealed', () => isSealed(peer));
  await until('the last one is projected', async () => (await liveOf(office, id)) === segment(2));
  const before = await caller.call('messages', { params: { id } });
  await office.close();
  expect(copies).toHaveLength(1);
  const [copy] = copies;
  const revived = await openHeldOffice({ segmentLimits: LIMITS, ...(copy && { dataFolder: copy }) });
  expect(await liveOf(revived, id)).toBe(segment(2));
  expect((await revived.owner.caller.call('messages', { params: { id } })).messages).toEqual(before.messages);
  const next = await connect(revived.owner.caller, segment(2), { receipts: true }).synced();
  next.write(message(me.id, 40));
  await until('it is saved', () => next.isSaved);
});

test('[SG1] [SG5] a full segment that was not sealed before a crash is sealed when it is opened', async () => {
  const office = await openHeldOffice();
  const { caller, me } = office.owner;
  const { id, segment } = await startSession(office);
  const peer = await connect(caller, segment(1), { receipts: true }).synced();
  for (let n = 1; n <= 6; n++) peer.write(message(me.id, n));
  await until('all is saved', () => peer.isSaved);
  await office.close();
  const { dataFolder } = office;
  const revived = await openHeldOffice({ segmentLimits: LIMITS, dataFolder });
  const reader = await connect(revived.owner.caller, segment(1)).synced();
  await until('the seal', () => isSealed(reader));
  await until('the next one', async () => (await liveOf(revived, id)) === segment(2));
});

test('[SG1] a segment that is found open although a later one exists is sealed when it is opened', async () => {
  const office = await openHeldOffice();
  const { id, segment } = await startSession(office);
  await office.close();
  const { dataFolder } = office;
  const database = openDatabase(join(dataFolder, 'daena.sqlite'));
  database.prepare('UPDATE chat_sessions SET live_segment = 2 WHERE id = ?').run(id);
  database.close();
  const revived = await openHeldOffice({ dataFolder });
  const reader = await connect(revived.owner.caller, segment(1)).synced();
  await until('the seal', () => isSealed(reader));
  expect(await liveOf(revived, id)).toBe(segment(2));
});

test('[SG10] [SG7] a session of 20 segments opens one, and its pages fold to what its messages say', async () => {
  const office = await openHeldOffice({ segmentLimits: LIMITS });
  const { caller } = office.owner;
  const { id } = await startSession(office);
  for (let n = 1; n <= 97; n++) {
    await caller.call('postMessage', { params: { id }, body: { content: `message ${n}` } });
  }
  const live = await liveOf(office, id);
  expect(live).toBe(`session/${id}/20`);
  office.clock.advance(60_000);
  await until('no room is open', async () => (await office.gauge('daena_rooms_open')) === 0);
  const peer = await connect(caller, live).synced();
  expect(await office.gauge('daena_rooms_open')).toBe(1);
  expect(peer.entries.length).toBeLessThanOrEqual(LIMITS.entries);
  const pages = await Promise.all(
    Array.from({ length: 20 }, (_, index) => caller.call('segment', { params: { id, n: String(index + 1) } })),
  );
  expect(pages.map(({ is_sealed }) => is_sealed)).toEqual([...Array<boolean>(19).fill(true), false]);
  const { messages } = await caller.call('messages', { params: { id }, query: { limit: 200 } });
  expect(messages).toHaveLength(97);
  const items = fold(pages.flatMap(({ entries }) => entries)).items;
  expect(items.map((item) => item.id)).toEqual(messages.map(({ message_id }) => message_id));
  expect(messageIds(pages.flatMap(({ entries }) => entries))).toHaveLength(97);
  const exported = await caller.send('exportSession', { params: { id } });
  expect(new Set(exported.text.match(/message \d+/g)).size).toBe(97);
});
