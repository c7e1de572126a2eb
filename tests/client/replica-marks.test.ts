import { expect, test } from 'vitest';
import { type MarkStore, ReplicaMarks } from '../../client/sync/replica-marks.ts';

class MemoryStore implements MarkStore {
  readonly values = new Map<string, string>();
  async get(key: string): Promise<unknown> {
    return this.values.get(key);
  }
  async set(key: string, value: string): Promise<void> {
    this.values.set(key, value);
  }
}

async function kept(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const marks = new ReplicaMarks();
  marks.meet('first');
  marks.noteSaved(new Map([[1, 5]]));
  marks.refused.set('a', 'permission');
  marks.dropped.add('b');
  await marks.write(store);
  return store;
}

test('what the server said is known again after a reload', async () => {
  const marks = new ReplicaMarks();
  await marks.read(await kept());
  expect([...marks.saved]).toEqual([[1, 5]]);
  expect([...marks.refused]).toEqual([['a', 'permission']]);
  expect([...marks.dropped]).toEqual(['b']);
});

test('clocks only move forward', async () => {
  const marks = new ReplicaMarks();
  await marks.read(await kept());
  expect(marks.noteSaved(new Map([[1, 4]]))).toBe(false);
  expect(marks.noteSaved(new Map([[1, 6]]))).toBe(true);
});

test('after a restore from a backup nothing counts as saved, whichever is heard first', async () => {
  const readFirst = new ReplicaMarks();
  await readFirst.read(await kept());
  readFirst.meet('second');
  const metFirst = new ReplicaMarks();
  metFirst.meet('second');
  await metFirst.read(await kept());
  for (const marks of [readFirst, metFirst]) expect(marks.saved.size).toBe(0);
});

test('marks that cannot be read are none', async () => {
  const store = new MemoryStore();
  for (const key of ['saved', 'refused', 'dropped', 'epoch']) store.values.set(key, '{broken');
  const marks = new ReplicaMarks();
  await marks.read(store);
  expect(marks.saved.size + marks.refused.size + marks.dropped.size).toBe(0);
});
