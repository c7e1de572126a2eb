import { expect, test, vi } from 'vitest';
import type { ApiResult } from '../../client/sync/api.ts';
import {
  type CachedPage,
  MAX_PAGES,
  MAX_PAGES_PER_SESSION,
  type PageCache,
  surplus,
} from '../../client/sync/page-cache.ts';
import { type FetchedPage, SessionPages } from '../../client/sync/session-pages.ts';
import type { Entry } from '../../sync-server/protocol/entry.ts';
import { isUlid } from '../../sync-server/protocol/ids.ts';

const SESSION = '01JAAAAAAAAAAAAAAAAAAAAAAA';

function message(number: number, body = `message ${number}`): Entry {
  const id = `01J${String(number).padStart(23, '0')}`;
  if (!isUlid(id)) throw new Error('not an id');
  return { id, kind: 'message', author: 'ben', at: number, body, mentions: [] };
}

class MemoryCache implements PageCache {
  readonly pages = new Map<number, CachedPage>();
  async get(_session: string, segment: number): Promise<CachedPage | null> {
    return this.pages.get(segment) ?? null;
  }
  async put(_session: string, page: CachedPage): Promise<void> {
    this.pages.set(page.segment, page);
  }
  async purge(): Promise<void> {
    this.pages.clear();
  }
}

/** The office's side: what its pages hold now, and what it was asked. */
class ScriptedOffice {
  readonly pages = new Map<number, FetchedPage>();
  readonly asked: { segment: number; etag: string | null }[] = [];
  refusal: { status: number; code: string; message: string } | null = null;
  /** Answers wait for this. */
  gate: Promise<void> = Promise.resolve();

  readonly fetchPage = async (segment: number, etag: string | null): Promise<ApiResult<FetchedPage | null>> => {
    this.asked.push({ segment, etag });
    const { refusal } = this;
    const page = this.pages.get(segment);
    await this.gate;
    if (refusal) return { ok: false, error: refusal };
    if (page === undefined) return { ok: false, error: { status: 404, code: 'not_found', message: 'There is none.' } };
    return { ok: true, value: page.etag === etag ? null : page };
  };
}

const OFFLINE = { status: 0, code: 'offline', message: 'The office cannot be reached right now.' };

function openPages(office: ScriptedOffice, cache: PageCache | null = new MemoryCache()) {
  return new SessionPages({ sessionId: SESSION, fetchPage: office.fetchPage, cache, onChange: () => undefined });
}

const soon = (assertion: () => void) => vi.waitFor(assertion, { timeout: 4_000, interval: 2 });
const bodies = (pages: SessionPages, segment: number) =>
  pages.entriesOf(segment)?.flatMap((entry) => (entry.kind === 'message' ? [entry.body] : []));

test('a page is asked for once, and kept on the device with what the office calls its state', async () => {
  const office = new ScriptedOffice();
  const cache = new MemoryCache();
  office.pages.set(2, { entries: [message(1)], etag: '"a"' });
  const pages = openPages(office, cache);
  expect(await Promise.all([pages.load(2), pages.load(2)])).toEqual([null, null]);
  expect(await pages.load(2)).toBeNull();
  expect(office.asked).toEqual([{ segment: 2, etag: null }]);
  expect(bodies(pages, 2)).toEqual(['message 1']);
  await soon(() => expect(cache.pages.get(2)?.etag).toBe('"a"'));
});

test('[CL5] a kept page is shown without the office, and replaced once that has a newer one', async () => {
  const office = new ScriptedOffice();
  const cache = new MemoryCache();
  cache.pages.set(1, { segment: 1, entries: [message(1), { id: 'not an entry' }], etag: '"a"' });
  office.refusal = OFFLINE;
  const pages = openPages(office, cache);
  expect(await pages.load(1)).toBeNull();
  expect(bodies(pages, 1)).toEqual(['message 1']);
  await soon(() => expect(office.asked).toEqual([{ segment: 1, etag: '"a"' }]));
  office.refusal = null;
  office.pages.set(1, { entries: [message(1), message(2)], etag: '"b"' });
  await soon(() => {
    pages.confirm();
    expect(bodies(pages, 1)).toEqual(['message 1', 'message 2']);
  });
});

test('a page that has not changed stays as it is, and is not asked for again', async () => {
  const office = new ScriptedOffice();
  office.pages.set(1, { entries: [message(1)], etag: '"a"' });
  const cache = new MemoryCache();
  cache.pages.set(1, { segment: 1, entries: [message(1)], etag: '"a"' });
  const pages = openPages(office, cache);
  await pages.load(1);
  await soon(() => expect(office.asked).toHaveLength(1));
  await office.gate;
  pages.confirm();
  expect(office.asked).toHaveLength(1);
});

test('without the office and without a copy the reason is told, and it can be tried again', async () => {
  const office = new ScriptedOffice();
  office.refusal = OFFLINE;
  const pages = openPages(office, null);
  expect(await pages.load(3)).toEqual(OFFLINE);
  expect(pages.entriesOf(3)).toBeUndefined();
  office.refusal = null;
  office.pages.set(3, { entries: [message(1)], etag: null });
  expect(await pages.load(3)).toBeNull();
});

test('[CL5] late arrivals bring the pages they are in up to date: those that hold them, or all where none does', async () => {
  const office = new ScriptedOffice();
  office.pages.set(1, { entries: [message(1)], etag: '"1"' });
  office.pages.set(2, { entries: [message(2)], etag: '"2"' });
  const pages = openPages(office);
  await Promise.all([pages.load(1), pages.load(2)]);
  office.asked.length = 0;
  pages.noteLate([message(2).id], () => false);
  expect(office.asked).toEqual([{ segment: 2, etag: '"2"' }]);
  pages.noteLate([message(9).id], () => true);
  expect(office.asked).toHaveLength(1);
  office.pages.set(1, { entries: [message(1), message(3)], etag: '"1b"' });
  pages.noteLate([message(3).id], () => false);
  await soon(() => expect(bodies(pages, 1)).toEqual(['message 1', 'message 3']));
});

test('what is heard while an answer is on its way is asked for once more', async () => {
  const office = new ScriptedOffice();
  office.pages.set(1, { entries: [message(1)], etag: '"a"' });
  const pages = openPages(office);
  await pages.load(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  office.gate = promise;
  pages.noteLate([message(1).id], () => false);
  office.pages.set(1, { entries: [message(1), message(2)], etag: '"b"' });
  pages.noteLate([message(2).id], () => false);
  resolve();
  await soon(() => expect(bodies(pages, 1)).toEqual(['message 1', 'message 2']));
  expect(office.asked).toHaveLength(3);
});

test('[CL5] without access nothing stays, neither here nor on the device', async () => {
  const office = new ScriptedOffice();
  const cache = new MemoryCache();
  cache.pages.set(1, { segment: 1, entries: [message(1)], etag: '"a"' });
  office.refusal = { status: 404, code: 'not_found', message: 'There is none.' };
  const pages = openPages(office, cache);
  await pages.load(1);
  await soon(() => expect(pages.entriesOf(1)).toBeUndefined());
  expect(cache.pages.size).toBe(0);
});

test('what an open segment held is a page as it retires, and pages let go of stay on the device', async () => {
  const office = new ScriptedOffice();
  const cache = new MemoryCache();
  const pages = openPages(office, cache);
  for (const segment of [1, 2, 3]) pages.adopt(segment, [message(segment)]);
  pages.release(3);
  expect([1, 2, 3].map((segment) => bodies(pages, segment))).toEqual([undefined, undefined, ['message 3']]);
  expect([...cache.pages.keys()]).toEqual([1, 2, 3]);
});

test('[CL6] the device keeps the pages used last, so many of one session and so many in all', () => {
  const uses = (session: string, count: number, from = 0) =>
    Array.from({ length: count }, (_, index) => ({ session, segment: index + 1, usedAt: from + index }));
  expect(surplus(uses('a', MAX_PAGES_PER_SESSION))).toEqual([]);
  expect(surplus(uses('a', MAX_PAGES_PER_SESSION + 2)).map(({ segment }) => segment)).toEqual([2, 1]);
  const many = Array.from({ length: MAX_PAGES / 10 + 1 }, (_, index) => uses(`s${index}`, 10, index * 10)).flat();
  expect(surplus(many).every(({ session }) => session === 's0')).toBe(true);
  expect(surplus(many)).toHaveLength(10);
});
