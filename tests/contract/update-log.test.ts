import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { MAX_BATCH_RECORDS } from '../../persistence/log/group-commit.ts';
import { openLevelUpdateLog } from '../../persistence/log/level-update-log.ts';
import { MemoryUpdateLog } from '../../persistence/log/memory-update-log.ts';
import type { UpdateLog } from '../../persistence/log/update-log.ts';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import { type BeforeWrite, openStoreWith } from '../persistence/failing-store.ts';
import { entriesOf, WrittenDocument } from '../persistence/written-document.ts';

interface Implementation {
  readonly name: string;
  readonly open: (folder: string, beforeWrite: BeforeWrite) => Promise<UpdateLog>;
}

const IMPLEMENTATIONS: readonly Implementation[] = [
  { name: 'memory', open: async (_folder, beforeWrite) => new MemoryUpdateLog({ beforeCommit: beforeWrite }) },
  {
    name: 'LevelDB',
    open: (folder, beforeWrite) => openLevelUpdateLog(folder, { openStore: openStoreWith(beforeWrite) }),
  },
];

const DOCUMENT = 'session/01J0000000000000000000000A/1';
const OTHER = 'session/01J0000000000000000000000B/1';

describe.each(IMPLEMENTATIONS)('update log: $name', ({ open }) => {
  let folder: string;
  let log: UpdateLog;
  let beforeWrite: BeforeWrite;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'daena-log-'));
    beforeWrite = async () => {};
    log = await open(folder, () => beforeWrite());
  });

  afterEach(async () => {
    await log.close();
    await rm(folder, { recursive: true, force: true });
  });

  const append = (document: string, update: Uint8Array) => log.append({ document, update });

  test('[LO3] an unknown document is empty', async () => {
    expect(await log.read(DOCUMENT)).toEqual({ updates: [], nextClock: 0, meta: new Map(), damaged: [] });
    expect(await log.documents()).toEqual([]);
    expect(await log.dirty()).toEqual([]);
  });

  test('[LO3] records get clocks 0, 1, 2 per document and are read back in order', async () => {
    const one = new WrittenDocument(1);
    const two = new WrittenDocument(2);
    const clocks = await Promise.all([
      append(DOCUMENT, one.write('a')),
      append(OTHER, two.write('x')),
      append(DOCUMENT, one.write('b')),
      append(DOCUMENT, one.write('c')),
      append(OTHER, two.write('y')),
    ]);
    expect(clocks).toEqual([0, 0, 1, 2, 1]);
    const read = await log.read(DOCUMENT);
    expect(read.updates.map((update) => [...update])).toEqual(one.updates.map((update) => [...update]));
    expect(read.nextClock).toBe(3);
    expect(read.damaged).toEqual([]);
    expect([...(await log.documents())].sort()).toEqual([DOCUMENT, OTHER]);
  });

  test('[LO3] more records than a batch holds keep their order and settle in it', async () => {
    const written = new WrittenDocument(1);
    const settled: number[] = [];
    const total = MAX_BATCH_RECORDS * 2 + 7;
    await Promise.all(
      Array.from({ length: total }, (_, index) =>
        append(DOCUMENT, written.write(`k${index}`)).then((clock) => settled.push(clock)),
      ),
    );
    expect(settled).toEqual(Array.from({ length: total }, (_, index) => index));
    expect(entriesOf((await log.read(DOCUMENT)).updates)).toEqual(written.entries());
  });

  test('[LO4] what is queued while a batch is written shares the next one', async () => {
    const written = new WrittenDocument(1);
    let writes = 0;
    const gate = Promise.withResolvers<void>();
    beforeWrite = async () => {
      writes += 1;
      if (writes === 1) await gate.promise;
    };
    const first = append(DOCUMENT, written.write('a'));
    await expect.poll(() => writes).toBe(1);
    const later = Array.from({ length: 20 }, (_, index) => append(DOCUMENT, written.write(`k${index}`)));
    expect((await log.read(DOCUMENT)).updates).toEqual([]);
    gate.resolve();
    expect(await Promise.all([first, ...later])).toEqual(Array.from({ length: 21 }, (_, index) => index));
    expect(writes).toBe(2);
  });

  test('[LO3] meta is set with its record, and a later value replaces it', async () => {
    const written = new WrittenDocument(1);
    const meta = (value: string) => new Map([['c:1', new TextEncoder().encode(value)]]);
    await log.append({ document: DOCUMENT, update: written.write('a'), meta: meta('ann') });
    await log.append({ document: DOCUMENT, update: written.write('b'), meta: meta('bob') });
    await log.append({ document: DOCUMENT, update: written.write('c'), meta: new Map([['c:2', Uint8Array.of(7)]]) });
    const read = await log.read(DOCUMENT);
    expect([...read.meta].map(([key, value]) => [key, [...value]])).toEqual([
      ['c:1', [...new TextEncoder().encode('bob')]],
      ['c:2', [7]],
    ]);
    expect((await log.read(OTHER)).meta.size).toBe(0);
  });

  test('[LO5] a document is dirty until its last record is marked projected', async () => {
    const written = new WrittenDocument(1);
    await append(DOCUMENT, written.write('a'));
    await append(DOCUMENT, written.write('b'));
    await log.markProjected(DOCUMENT, 0);
    expect(await log.dirty()).toEqual([DOCUMENT]);
    await log.markProjected(DOCUMENT, 1);
    expect(await log.dirty()).toEqual([]);
    const [, clock] = await Promise.all([log.markProjected(DOCUMENT, 1), append(DOCUMENT, written.write('c'))]);
    expect(clock).toBe(2);
    expect(await log.dirty()).toEqual([DOCUMENT]);
  });

  test('[DU2] a failed batch leaves nothing behind and closes its documents until reopened', async () => {
    const written = new WrittenDocument(1);
    const other = new WrittenDocument(2);
    await append(DOCUMENT, written.write('a'));
    const kept = written.entries();
    let writes = 0;
    const gate = Promise.withResolvers<void>();
    beforeWrite = async () => {
      writes += 1;
      if (writes > 1) return;
      await gate.promise;
      throw new Error('no space left on device');
    };
    const meta = new Map([['c:1', Uint8Array.of(1)]]);
    const failing = log.append({ document: DOCUMENT, update: written.write('b'), meta });
    await expect.poll(() => writes).toBe(1);
    const queued = append(DOCUMENT, written.write('c'));
    const unaffected = append(OTHER, other.write('x'));
    const outcomes = Promise.allSettled([failing, queued, unaffected]);
    gate.resolve();
    const [first, second, third] = await outcomes;
    for (const refused of [first, second]) {
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'storage' } });
      expect(refused.status === 'rejected' && refused.reason).toBeInstanceOf(OfficeError);
    }
    expect(third).toEqual({ status: 'fulfilled', value: 0 });
    await expect(append(DOCUMENT, written.write('d'))).rejects.toMatchObject({ code: 'storage' });
    const read = await log.read(DOCUMENT);
    expect(entriesOf(read.updates)).toEqual(kept);
    expect([read.nextClock, read.meta.size]).toEqual([1, 0]);
    await log.reopen(DOCUMENT);
    expect(await append(DOCUMENT, new WrittenDocument(3).write('e'))).toBe(1);
    expect(entriesOf((await log.read(DOCUMENT)).updates)).toEqual({ ...kept, e: 'e' });
  });

  test('[DU2] a document whose first record failed does not exist', async () => {
    beforeWrite = async () => {
      beforeWrite = async () => {};
      throw new Error('no space left on device');
    };
    await expect(append(DOCUMENT, new WrittenDocument(1).write('a'))).rejects.toMatchObject({ code: 'storage' });
    await log.reopen(DOCUMENT);
    expect(await log.documents()).toEqual([]);
    expect(await append(DOCUMENT, new WrittenDocument(2).write('b'))).toBe(0);
  });

  test('[LO4] a first record that is no update is refused without harm to others in its batch', async () => {
    const other = new WrittenDocument(2);
    const outcomes = await Promise.allSettled([
      append(DOCUMENT, Uint8Array.of(255, 255, 255)),
      append(DOCUMENT, new WrittenDocument(1).write('a')),
      append(OTHER, other.write('x')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(await log.documents()).toEqual([OTHER]);
  });

  test('[INV8] [LO7] compaction replaces a prefix; later records and clocks go on', async () => {
    const written = new WrittenDocument(1);
    for (const key of ['a', 'b', 'c']) await append(DOCUMENT, written.write(key));
    const merged = Y.encodeStateAsUpdate(written.doc);
    await append(DOCUMENT, written.write('d'));
    await log.compact(DOCUMENT, 2, merged);
    const compacted = await log.read(DOCUMENT);
    expect([compacted.updates.length, compacted.nextClock, compacted.damaged]).toEqual([2, 4, []]);
    expect(await append(DOCUMENT, written.write('e'))).toBe(4);
    await log.compact(DOCUMENT, 4, Y.encodeStateAsUpdate(written.doc));
    expect(await append(DOCUMENT, written.write('f'))).toBe(5);
    const read = await log.read(DOCUMENT);
    expect([read.updates.length, read.nextClock]).toEqual([2, 6]);
    expect(entriesOf(read.updates)).toEqual(written.entries());
  });

  test('[LO7] a merge that lacks something, is no update, or lies beyond the log is refused', async () => {
    const written = new WrittenDocument(1);
    await append(DOCUMENT, written.write('a'));
    const tooLittle = Y.encodeStateAsUpdate(written.doc);
    await append(DOCUMENT, written.write('b'));
    await expect(log.compact(DOCUMENT, 1, tooLittle)).rejects.toMatchObject({ code: 'conflict' });
    await expect(log.compact(DOCUMENT, 1, Uint8Array.of(255))).rejects.toMatchObject({ code: 'conflict' });
    const merged = Y.encodeStateAsUpdate(written.doc);
    await expect(log.compact(DOCUMENT, 2, merged)).rejects.toMatchObject({ code: 'conflict' });
    await expect(log.compact(OTHER, 0, merged)).rejects.toMatchObject({ code: 'conflict' });
    expect((await log.read(DOCUMENT)).updates.length).toBe(2);
  });

  test('[LO4] closing writes what is queued and refuses what comes later', async () => {
    const written = new WrittenDocument(1);
    const queued = append(DOCUMENT, written.write('a'));
    const closed = log.close();
    await expect(append(DOCUMENT, written.write('b'))).rejects.toMatchObject({ code: 'restarting' });
    expect(await queued).toBe(0);
    await closed;
    await log.close();
  });
});
