import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { openDatabase } from '../../persistence/database.ts';
import { MemoryUpdateLog } from '../../persistence/log/memory-update-log.ts';
import type { LogRecord } from '../../persistence/log/update-log.ts';
import { EventLog } from '../../persistence/projection/event-log.ts';
import { Projection } from '../../persistence/projection/projection.ts';
import { segmentContent, segmentHash } from '../../persistence/projection/session-content.ts';
import { SessionStore } from '../../persistence/projection/session-store.ts';
import { Divergences } from '../../sync-server/divergence.ts';
import { segmentName } from '../../sync-server/protocol/document-name.ts';
import { writeUpdate } from '../../sync-server/protocol/frames.ts';
import { readEntries, writeEntry } from '../../sync-server/protocol/segment.ts';
import { loadDocument } from '../../sync-server/room/room-document.ts';
import { message, messageNow, person, ulid } from '../support/entries.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { openHeldOffice } from '../support/office-in-process.ts';
import { connect } from '../support/office-peer.ts';
import { ListeningPeer, openRooms } from '../support/rooms-in-memory.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const SESSION = ulid(1);
const DOCUMENT = segmentName(SESSION, 1);

/** A room, its log and a projection, without a server around them. */
async function segmentWith(count: number, log = new MemoryUpdateLog()) {
  const database = openDatabase(join(tempFolder(), 'daena.sqlite'));
  const people = (id: string): string => id;
  const sessions = new SessionStore(database, people);
  const events = new EventLog(database, (id) => sessions.get(id));
  const projection = new Projection({ database, events, derivations: [], people });
  sessions.create({
    id: SESSION,
    scope: { type: 'general', id: null },
    owner: 'ann',
    title: 'A',
    isPrivate: false,
    members: [],
    at: 1,
  });
  const { rooms, lines } = openRooms(log);
  const clock = new ManualClock();
  const divergences = new Divergences({
    log,
    database,
    clock,
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    findRoom: (document) => rooms.find(document),
    rebuild: async (id, segments) => projection.rebuildSession(id, segments) !== null,
  });
  const ann = new ListeningPeer(person('ann'));
  const room = await rooms.join(DOCUMENT, ann);
  const device = new Y.Doc();
  for (let n = 2; n < count + 2; n++) writeEntry(device, message('ann', n));
  room.receive(ann, writeUpdate(Y.encodeStateAsUpdate(device)));
  await room.settled();
  const project = async (): Promise<void> => {
    const { doc, lastClock } = await loadDocument(log, DOCUMENT);
    const entries = readEntries(doc);
    const at = { document: DOCUMENT, sessionId: SESSION, segment: 1, throughClock: lastClock, committedAt: 1 };
    projection.project([{ ...at, entries }]);
  };
  return { database, sessions, projection, rooms, room, ann, log, divergences, project, lines };
}

const textsOf = (sessions: SessionStore): string[] =>
  sessions.messages(SESSION, { limit: 50 }).messages.map(({ content }) => content);

test('[INV3] equal contents have equal hashes in whatever order, and unequal ones have others', () => {
  const [one, two, three] = [message('ann', 1), message('ann', 2), message('ann', 3)];
  const hash = (...entries: Parameters<typeof segmentContent>[0]) => segmentHash(segmentContent(entries));
  expect(hash(one, two, three)).toBe(hash(three, one, two));
  const { id, at, ...rest } = two;
  expect(hash(one, { at, ...rest, id })).toBe(hash(one, two));
  expect(hash(one, { ...two, body: 'other' })).not.toBe(hash(one, two));
  expect(hash(one)).not.toBe(hash(one, two));
});

test('[DI1] room, log and projection of an undisturbed segment are the same, with and without its room in memory', async () => {
  const { divergences, project, rooms } = await segmentWith(5);
  await project();
  expect(await divergences.checkSegment(DOCUMENT)).toBe('same');
  await rooms.drain();
  expect(await divergences.checkSegment(DOCUMENT)).toBe('same');
  expect(divergences.count).toBe(0);
});

test('[DI1] [DI2] whatever is changed in the database is found, and made anew from the log, with no event twice', async () => {
  const { divergences, project, database, sessions } = await segmentWith(5);
  await project();
  const [texts, events] = [textsOf(sessions), database.prepare('SELECT * FROM event_log').all()];
  const faults: readonly (readonly [string, string])[] = [
    [`UPDATE chat_messages SET content = 'forged' WHERE message_id = '${ulid(3)}'`, 'is not what was written'],
    [`DELETE FROM chat_messages WHERE message_id = '${ulid(4)}'`, 'is missing'],
    [`DELETE FROM chat_entries WHERE entry_id = '${ulid(4)}'`, 'is missing'],
    [`UPDATE chat_entries SET value = '{}' WHERE entry_id = '${ulid(5)}'`, 'is not what was written'],
    [`UPDATE chat_entries SET entry_id = '${ulid(99)}' WHERE entry_id = '${ulid(5)}'`, 'is missing'],
    [`UPDATE chat_sessions SET message_count = 1`, 'its messageCount is 1'],
    [`UPDATE message_search SET content = 'other' WHERE rowid = 2`, 'is not what was written'],
    [`DELETE FROM watermarks`, 'it is read through record -1 of 0'],
  ];
  for (const [index, [sql, difference]] of faults.entries()) {
    expect(database.prepare(sql).run().changes).toBeGreaterThan(0);
    expect({ sql, found: await divergences.checkSegment(DOCUMENT) }).toEqual({
      sql,
      found: {
        document: DOCUMENT,
        copy: 'projection',
        difference: expect.stringContaining(difference),
        isHealed: true,
      },
    });
    expect({ sql, after: await divergences.checkSegment(DOCUMENT) }).toEqual({ sql, after: 'same' });
    expect(divergences.count).toBe(index + 1);
    expect(textsOf(sessions)).toEqual(texts);
    expect(database.prepare('SELECT * FROM event_log').all()).toEqual(events);
  }
});

test('[DI1] [DI2] a room that does not hold what the log holds is dropped, and read again as the log says', async () => {
  const log = new BentLog();
  const { divergences, project, room, rooms, ann } = await segmentWith(1, log);
  log.bend = true;
  const device = new Y.Doc();
  writeEntry(device, message('ann', 50, { body: 'as it was sent' }));
  room.receive(ann, writeUpdate(Y.encodeStateAsUpdate(device)));
  await room.settled();
  await project();
  expect(await divergences.checkSegment(DOCUMENT)).toEqual({
    document: DOCUMENT,
    copy: 'room',
    difference: `entry ${ulid(50)} is not what was written`,
    isHealed: true,
  });
  expect([room.isFailed, ann.closes]).toEqual([true, [4504]]);
  await rooms.join(DOCUMENT, new ListeningPeer(person('ann')));
  expect(await divergences.checkSegment(DOCUMENT)).toBe('same');
});

test('[DI1] [DI2] records that somebody else wrote into the log are found', async () => {
  const { divergences, project, room, log } = await segmentWith(2);
  const stranger = new Y.Doc();
  writeEntry(stranger, message('ann', 60));
  await log.append({ document: DOCUMENT, update: Y.encodeStateAsUpdate(stranger) });
  await project();
  expect(await divergences.checkSegment(DOCUMENT)).toMatchObject({
    copy: 'room',
    difference: expect.stringContaining('1 records'),
  });
  expect(room.isFailed).toBe(true);
});

test('[DI3] an office looks when a room is closed, counts what it finds, and shows what was written again', async () => {
  const office = await openHeldOffice();
  const { caller, me } = office.owner;
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const params = { id: session.session_id };
  const writer = await connect(caller, session.documents.live, { receipts: true }).synced();
  // Now, so that it is not named as late: that would open the room again.
  writer.write(messageNow(me.id, 1, { body: 'true' }));
  await until('it is saved', () => writer.isSaved);
  await until('it is shown', async () => (await caller.call('messages', { params })).messages.length === 1);
  const behindItsBack = openDatabase(join(office.dataFolder, 'daena.sqlite'));
  behindItsBack.prepare(`UPDATE chat_messages SET content = 'false' WHERE content = 'true'`).run();
  behindItsBack.close();
  expect((await caller.call('messages', { params })).messages).toMatchObject([{ content: 'false' }]);
  expect(await office.gauge('daena_divergences_total')).toBe(0);
  writer.leave();
  await until('the socket is gone', async () => (await office.gauge('daena_sockets_open')) === 0);
  office.clock.advance(31_000);
  await until('it is counted', async () => (await office.gauge('daena_divergences_total')) === 1);
  await until('it is shown as it was written', async () => {
    const { messages } = await caller.call('messages', { params });
    return messages[0]?.content === 'true';
  });
});

test('[DI3] an office looks when a segment is ended, while people go on writing', async () => {
  const office = await openHeldOffice({
    segmentLimits: { entries: 10, bytes: 100_000, sealedEntries: 40, sealedBytes: 400_000 },
  });
  const { caller, me } = office.owner;
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const params = { id: session.session_id };
  const writer = await connect(caller, session.documents.live, { receipts: true }).synced();
  for (let n = 1; n <= 5; n++) writer.write(message(me.id, n));
  await until('all shown', async () => (await caller.call('messages', { params })).messages.length === 5);
  const behindItsBack = openDatabase(join(office.dataFolder, 'daena.sqlite'));
  behindItsBack.prepare(`DELETE FROM chat_entries WHERE entry_id = ?`).run(ulid(3));
  behindItsBack.prepare(`DELETE FROM chat_messages WHERE message_id = ?`).run(ulid(3));
  behindItsBack.close();
  for (let n = 6; n <= 12; n++) writer.write(message(me.id, n));
  await until('it is counted', async () => (await office.gauge('daena_divergences_total')) === 1);
  await until('all shown again', async () => (await caller.call('messages', { params })).messages.length === 12);
  expect(writer.closes).toEqual([]);
});

test('[DI3] a check that nobody asked for comes at most every five seconds', async () => {
  const { divergences, project, database } = await segmentWith(1);
  await project();
  await divergences.checkIdle(DOCUMENT);
  database.prepare(`UPDATE chat_sessions SET message_count = 9`).run();
  await divergences.checkIdle(DOCUMENT);
  expect(divergences.count).toBe(0);
});

/** A log that writes something else than it was given. */
class BentLog extends MemoryUpdateLog {
  bend = false;

  override append(record: LogRecord): Promise<number> {
    return super.append(this.bend ? { ...record, update: bent(record.update) } : record);
  }
}

/** The same clocks with another text of the same length. */
const bent = (update: Uint8Array): Uint8Array =>
  new Uint8Array(
    Buffer.from(Buffer.from(update).toString('latin1').replace('as it was sent', 'as it was bent'), 'latin1'),
  );

test('[DI1] what is committed while a segment is looked at, and not projected yet, is no difference', async () => {
  const { divergences, project, room, ann, log } = await segmentWith(3);
  await project();
  const read = log.read.bind(log);
  let reads = 0;
  log.read = async (document) => {
    reads++;
    if (reads === 1) {
      // An agent that goes on writing in a segment which was ended just now does the same.
      const device = new Y.Doc();
      writeEntry(device, message('ann', 50));
      room.receive(ann, writeUpdate(Y.encodeStateAsUpdate(device)));
      await room.durable();
    }
    return read(document);
  };
  const settled = room.settled.bind(room);
  room.settled = async () => {
    await settled();
    if (reads > 0) await project();
  };
  expect(await divergences.checkSegment(DOCUMENT)).toBe('same');
  expect(divergences.count).toBe(0);
});
