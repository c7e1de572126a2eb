import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyEncoding, LeveldbPersistence } from 'y-leveldb';
import * as Y from 'yjs';
import { encodeKey, updateKey } from '../../persistence/log/level-keys.ts';
import { openLevelStore } from '../../persistence/log/level-store.ts';
import { openLevelUpdateLog } from '../../persistence/log/level-update-log.ts';
import { entriesOf, WrittenDocument } from './written-document.ts';

const CHILD = new URL('./append-until-killed.ts', import.meta.url).pathname;
const DOCUMENT = 'session/01J0000000000000000000000A/1';

let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'daena-log-')), 'log');
});

afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

async function withYLeveldb<Result>(use: (reader: LeveldbPersistence) => Promise<Result>): Promise<Result> {
  const copy = `${folder}-copy`;
  await rm(copy, { recursive: true, force: true });
  await cp(folder, copy, { recursive: true });
  const reader = new LeveldbPersistence(copy);
  try {
    return await use(reader);
  } finally {
    await reader.destroy();
  }
}

test('[LO2] keys have the bytes that y-leveldb writes', () => {
  const keys = [
    ['v1', 'session/é/1', 'update', 0],
    ['v1', DOCUMENT, 'update', 0x01020304],
    ['v1', DOCUMENT, 'meta', 'c:4294967295'],
    ['v1_sv', DOCUMENT],
  ];
  for (const key of keys) expect(Buffer.from(encodeKey(key))).toEqual(Buffer.from(keyEncoding.encode(key)));
});

test('[LO2] y-leveldb reads a closed copy as the same documents, before and after compaction', async () => {
  const log = await openLevelUpdateLog(folder);
  const one = new WrittenDocument(1);
  const two = new WrittenDocument(2);
  for (let index = 0; index < 40; index++) {
    await Promise.all([
      log.append({
        document: DOCUMENT,
        update: one.write(`k${index}`),
        meta: new Map([['c:1', new TextEncoder().encode('ann')]]),
      }),
      log.append({ document: 'brief/b', update: two.write(`k${index}`) }),
    ]);
  }
  await log.markProjected('brief/b', 39);
  const merged = Y.encodeStateAsUpdate(one.doc);
  await log.append({ document: DOCUMENT, update: one.write('last') });
  await log.compact(DOCUMENT, 39, merged);
  await log.close();

  await withYLeveldb(async (reader) => {
    expect((await reader.getAllDocNames()).sort()).toEqual(['brief/b', DOCUMENT]);
    expect((await reader.getYDoc(DOCUMENT)).getMap('entries').toJSON()).toEqual(one.entries());
    expect((await reader.getYDoc('brief/b')).getMap('entries').toJSON()).toEqual(two.entries());
    expect(await reader.getStateVector(DOCUMENT)).toEqual(Y.encodeStateVector(one.doc));
    expect(await reader.getMeta(DOCUMENT, 'c:1')).toEqual(new TextEncoder().encode('ann'));
  });
});

test('[LO2] a folder that y-leveldb wrote is read and continued', async () => {
  const writer = new LeveldbPersistence(folder);
  const written = new WrittenDocument(1);
  for (const key of ['a', 'b', 'c']) await writer.storeUpdate(DOCUMENT, written.write(key));
  await writer.getStateVector(DOCUMENT);
  await writer.destroy();
  const log = await openLevelUpdateLog(folder);
  const { nextClock, damaged } = await log.read(DOCUMENT);
  expect(damaged).toEqual([]);
  expect(await log.append({ document: DOCUMENT, update: written.write('d') })).toBe(nextClock);
  expect(entriesOf((await log.read(DOCUMENT)).updates)).toEqual(written.entries());
  await log.close();
});

test('[LO3] what was dirty, its clocks and its meta are there after reopening the folder', async () => {
  const written = new WrittenDocument(1);
  let log = await openLevelUpdateLog(folder, { durability: 'process' });
  await log.append({ document: DOCUMENT, update: written.write('a'), meta: new Map([['c:1', Uint8Array.of(1)]]) });
  await log.append({ document: 'brief/b', update: new WrittenDocument(2).write('x') });
  await log.markProjected('brief/b', 0);
  await log.close();
  log = await openLevelUpdateLog(folder);
  expect(await log.dirty()).toEqual([DOCUMENT]);
  expect(await log.append({ document: DOCUMENT, update: written.write('b') })).toBe(1);
  expect([...(await log.read(DOCUMENT)).meta.keys()]).toEqual(['c:1']);
  await log.close();
  await expect(log.read(DOCUMENT)).rejects.toMatchObject({ code: 'restarting' });
});

test('[LO1] a second opener of the folder is refused', async () => {
  const log = await openLevelUpdateLog(folder);
  await expect(openLevelUpdateLog(folder)).rejects.toMatchObject({
    code: 'conflict',
    message: `The log in ${folder} is already open in another process.`,
  });
  await log.close();
});

test('[LO1] a folder that cannot be used is refused in one sentence', async () => {
  await writeFile(folder, 'a file, not a folder');
  await expect(openLevelUpdateLog(folder)).rejects.toMatchObject({ code: 'storage' });
});

test('[LO6] damaged and missing records are named, and the rest is read', async () => {
  const written = new WrittenDocument(1);
  let log = await openLevelUpdateLog(folder);
  for (const key of ['a', 'b', 'c', 'd', 'e']) await log.append({ document: DOCUMENT, update: written.write(key) });
  await log.close();
  const store = await openLevelStore(folder);
  await store.write(
    [
      { type: 'put', key: updateKey(DOCUMENT, 1), value: Uint8Array.of(9, 255, 255) },
      { type: 'del', key: updateKey(DOCUMENT, 3) },
      { type: 'del', key: updateKey(DOCUMENT, 0) },
    ],
    { sync: true },
  );
  await store.close();
  log = await openLevelUpdateLog(folder);
  const read = await log.read(DOCUMENT);
  expect([read.damaged, read.updates.length, read.nextClock]).toEqual([[0, 1, 3], 2, 5]);
  const merged = Y.encodeStateAsUpdate(written.doc);
  await expect(log.compact(DOCUMENT, 4, merged)).rejects.toMatchObject({ code: 'conflict' });
  await log.close();
});

test('[LO6] bytes that rot in the file cost the records they belong to, which are named', async () => {
  const written = [new WrittenDocument(1), new WrittenDocument(2)];
  let log = await openLevelUpdateLog(folder);
  for (let index = 0; index < 300; index++) {
    await Promise.all(
      written.map((doc, number) =>
        log.append({ document: `doc ${number}`, update: doc.write(`k${index}`, 'x'.repeat(400)) }),
      ),
    );
  }
  await log.close();
  const [name = ''] = (await readdir(folder)).filter((file) => file.endsWith('.log'));
  const bytes = await readFile(join(folder, name));
  const middle = Math.floor(bytes.length / 2);
  bytes.fill(0xff, middle, middle + 50);
  await writeFile(join(folder, name), bytes);
  log = await openLevelUpdateLog(folder);
  for (const document of ['doc 0', 'doc 1']) {
    const { updates, damaged, nextClock } = await log.read(document);
    expect([nextClock, updates.length + damaged.length]).toEqual([300, 300]);
    expect(damaged.length).toBeGreaterThan(0);
    expect(damaged.length).toBeLessThan(150);
  }
  await log.close();
});

test('[LO6] a block that LevelDB itself cannot read costs its own records only', async () => {
  const written = new WrittenDocument(1);
  let log = await openLevelUpdateLog(folder);
  for (let index = 0; index < 10; index++) {
    await log.append({ document: DOCUMENT, update: written.write(`k${index}`) });
  }
  await log.close();
  log = await openLevelUpdateLog(folder, {
    openStore: async (path) => {
      const store = await openLevelStore(path);
      const bad = Buffer.from(updateKey(DOCUMENT, 4));
      return {
        ...store,
        entries: async (range, options) => {
          const entries = await store.entries(range, options);
          if (entries.some(({ key }) => bad.equals(key))) throw new Error('Corruption: block checksum mismatch');
          return entries;
        },
        getMany: async (keys) => {
          if (keys.some((key) => bad.equals(key))) throw new Error('Corruption: block checksum mismatch');
          return store.getMany(keys);
        },
      };
    },
  });
  const read = await log.read(DOCUMENT);
  expect([read.damaged, read.updates.length, read.nextClock]).toEqual([[4], 9, 10]);
  await log.close();
});

interface Appender {
  readonly child: ChildProcess;
  /** Highest acknowledged clock by document. */
  readonly acknowledged: Map<string, number>;
  /** Acknowledgements so far. */
  count: number;
  refusals: number;
  acknowledgedAfterRefusal: number;
}

function startAppender(command: string, args: readonly string[]): Appender {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const appender: Appender = { child, acknowledged: new Map(), count: 0, refusals: 0, acknowledgedAfterRefusal: 0 };
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('failed ')) appender.refusals += 1;
    const [, document, clock] = /^(one|two) (\d+)$/.exec(line) ?? [];
    if (document === undefined) return;
    appender.count += 1;
    appender.acknowledged.set(document, Math.max(Number(clock), appender.acknowledged.get(document) ?? -1));
    if (appender.refusals > 0) appender.acknowledgedAfterRefusal += 1;
  });
  return appender;
}

async function expectAllThere(acknowledged: ReadonlyMap<string, number>): Promise<void> {
  const log = await openLevelUpdateLog(folder);
  for (const [document, clock] of acknowledged) {
    const read = await log.read(document);
    expect(read.damaged).toEqual([]);
    expect(read.nextClock).toBeGreaterThan(clock);
    entriesOf(read.updates);
    expect(await log.dirty()).toContain(document);
  }
  await log.close();
}

test('[DU4] every acknowledged record is there after kill -9, and the log goes on, three times over', async () => {
  for (let round = 0; round < 3; round++) {
    const appender = startAppender(process.execPath, [CHILD, folder]);
    const { child, acknowledged } = appender;
    await expect.poll(() => appender.count, { timeout: 30_000 }).toBeGreaterThan(200);
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
    expect([...acknowledged.keys()].sort()).toEqual(['one', 'two']);
    await expectAllThere(acknowledged);
  }
});

test.skipIf(process.platform === 'win32')(
  'where the disk really refuses a write, nothing acknowledged is lost and writing goes on by itself',
  async () => {
    // A limit on the size of a file: LevelDB's log reaches it, the write fails, and the next file begins anew.
    const script = `ulimit -f 2048; exec "${process.execPath}" "${CHILD}" "${folder}" 2000`;
    const appender = startAppender('bash', ['-c', script]);
    await expect.poll(() => appender.acknowledgedAfterRefusal, { timeout: 30_000 }).toBeGreaterThan(100);
    const closed = once(appender.child, 'close');
    appender.child.kill('SIGKILL');
    await closed;
    await expectAllThere(appender.acknowledged);
  },
);
