import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { ProjectionThread } from '../../../persistence/projection/projection-thread.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { committed, message, NOON, openOffice, startSession, ulid } from './office-on-disk.ts';

const session = ulid(1);

test('[PJ7] what the thread projected is there for the office’s own connection when it answers', async () => {
  const office = openOffice(`${tempFolder()}/office.sqlite`);
  startSession(office, session);
  const thread = new ProjectionThread({ databaseFile: office.file, isSynced: true });
  try {
    const { result, workMs } = await thread.project([committed(session, [message(2, 'hello')])], NOON);
    expect(office.sessions.message(session, ulid(2))).toMatchObject({ content: 'hello' });
    expect(office.events.since(1, 100).events).toEqual(result.events);
    expect(result.projected).toEqual([{ sessionId: session, id: ulid(2), kind: 'message' }]);
    expect(workMs).toBeGreaterThan(0);
    // The two write in turns: neither finds the other's lock in its way.
    for (let number = 3; number < 40; number++) {
      const both = thread.project([committed(session, [message(number, `n ${number}`)])], NOON);
      office.events.append(
        [
          {
            type: 'council.created',
            entityType: 'council',
            entityId: 'x',
            sessionId: null,
            payload: { council_id: 'x' },
          },
        ],
        NOON,
      );
      await both;
    }
    const ids = office.events.since(0, 1_000).events.map(({ wire }) => wire.event_id);
    expect(ids).toEqual(ids.map((_, index) => index + 1));
  } finally {
    await thread.close();
    office.database.close();
  }
});

test('[PJ7] a thread that cannot begin says why, and is begun again with the next batch', async () => {
  const file = `${tempFolder()}/office.sqlite`;
  writeFileSync(file, 'this is no database, and it is longer than a header of one would be '.repeat(4));
  const thread = new ProjectionThread({ databaseFile: file, isSynced: true });
  await expect(thread.project([], NOON)).rejects.toMatchObject({ code: 'storage' });
  rmSync(dirname(file), { recursive: true });
  const office = openOffice(file);
  startSession(office, session);
  try {
    const { result } = await thread.project([committed(session, [message(2, 'hello')])], NOON);
    expect(result.projected).toHaveLength(1);
  } finally {
    await thread.close();
    office.database.close();
  }
});

test('[PJ7] after it is closed it takes nothing', async () => {
  const thread = new ProjectionThread({ databaseFile: `${tempFolder()}/office.sqlite`, isSynced: true });
  await thread.close();
  await expect(thread.project([], NOON)).rejects.toMatchObject({ code: 'restarting' });
});

test('[PJ7] the end of a thread that failed leaves the next one alone, and closing closes that', async () => {
  const file = `${tempFolder()}/office.sqlite`;
  writeFileSync(file, 'this is no database, and it is longer than a header of one would be '.repeat(4));
  const thread = new ProjectionThread({ databaseFile: file, isSynced: true });
  await expect(thread.project([], NOON)).rejects.toMatchObject({ code: 'storage' });
  rmSync(dirname(file), { recursive: true });
  const office = openOffice(file);
  startSession(office, session);
  await thread.project([committed(session, [message(2, 'hello')])], NOON);
  await thread.close();
  office.database.close();
  // SQLite deletes it with the last connection.
  expect(existsSync(`${file}-wal`)).toBe(false);
});
