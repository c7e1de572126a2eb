import { expect, test } from 'vitest';
import type { Shelf } from '../../client/sync/device.ts';
import { type MarkStore, ReplicaMarks } from '../../client/sync/replica-marks.ts';
import { personEntrySchema } from '../../sync-server/protocol/entry.ts';

class MemoryShelf implements Shelf {
  readonly values = new Map<string, string>();
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.values.set(key, value);
  }
  removeItem(key: string): void {
    this.values.delete(key);
  }
}

const marksOn = (shelf: Shelf = new MemoryShelf()) => new ReplicaMarks(shelf, 'ada', 'session/1');

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
  const marks = marksOn();
  marks.meet('first');
  marks.noteSaved(new Map([[1, 5]]));
  await marks.write(store);
  return store;
}

test('what the server said is known again after a reload', async () => {
  const marks = marksOn();
  await marks.read(await kept());
  expect([...marks.saved]).toEqual([[1, 5]]);
});

test('clocks only move forward', async () => {
  const marks = marksOn();
  await marks.read(await kept());
  expect(marks.noteSaved(new Map([[1, 4]]))).toBe(false);
  expect(marks.noteSaved(new Map([[1, 6]]))).toBe(true);
});

test('after a restore from a backup nothing counts as saved, whichever is heard first', async () => {
  const readFirst = marksOn();
  await readFirst.read(await kept());
  readFirst.meet('second');
  const metFirst = marksOn();
  metFirst.meet('second');
  await metFirst.read(await kept());
  for (const marks of [readFirst, metFirst]) expect(marks.saved.size).toBe(0);
});

test('marks that cannot be read are none', async () => {
  const store = new MemoryStore();
  for (const key of ['saved', 'epoch']) store.values.set(key, '{broken');
  const marks = marksOn();
  await marks.read(store);
  expect(marks.saved.size).toBe(0);
});

test('a refusal is written down at once, for it is said only once', () => {
  const shelf = new MemoryShelf();
  const entry = {
    id: '01JAAAAAAAAAAAAAAAAAAAAAAA',
    kind: 'message',
    author: 'ada',
    at: 1,
    body: 'words',
    mentions: [],
  };
  marksOn(shelf).refuse(personEntrySchema.parse(entry), 'permission');
  const later = marksOn(shelf);
  expect(later.refusedEntries).toEqual([entry]);
  expect(later.refusalOf(entry.id)).toBe('permission');
  later.drop(entry.id);
  expect(marksOn(shelf).isDropped(entry.id)).toBe(true);
  expect(new ReplicaMarks(shelf, 'ben', 'session/1').refusalOf(entry.id)).toBeUndefined();
});
