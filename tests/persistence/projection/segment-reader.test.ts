import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareEntries, type Entry, OFFICE_AUTHOR, readEntry } from '../../../sync-server/protocol/entry.ts';
import { fold, type TimelineItem } from '../../../sync-server/protocol/fold.ts';
import { deriveId, type EntryId } from '../../../sync-server/protocol/ids.ts';
import {
  again,
  committed,
  edit,
  message,
  NOON,
  type OfficeOnDisk,
  reply,
  replyId,
  retract,
  startSession,
  ulid,
  withOffice,
} from './office-on-disk.ts';

const SEGMENTS = 4;
const SIZE = 16;

const react = (number: number, target: EntryId, author: string): Entry => ({
  id: ulid(number),
  kind: 'react',
  author,
  at: NOON + number,
  target,
  emoji: '👍',
  on: number % 3 > 0,
});
const arrived = (number: number, ids: EntryId[]): Entry => ({
  id: deriveId('arrived', number),
  kind: 'arrived',
  author: OFFICE_AUTHOR,
  at: NOON + number,
  ids,
});

/** Entries that refer to each other in all ways, also to what is not there. */
const histories = fc.tuple(
  ...Array.from({ length: SIZE }, (_, number) => {
    const target = fc.oneof(
      fc.nat({ max: SIZE }).map((other): EntryId => ulid(other)),
      fc.nat({ max: SIZE }).map((other): EntryId => replyId(String(other))),
    );
    const author = fc.constantFrom('ann', 'bob');
    const entry = fc.oneof(
      fc.constant<Entry>(message(number, `message ${number}`)),
      fc.tuple(target, author).map(([id, by]): Entry => edit(number, id, `edited ${number}`, by)),
      fc.tuple(target, author).map(([id, by]): Entry => retract(number, id, by)),
      fc.tuple(target, author).map(([id, by]): Entry => react(number, id, by)),
      target.map((id): Entry => again(number, id)),
      target.map((id): Entry => reply(String(number), id, number)),
      target.map((id): Entry => arrived(number, [id])),
    );
    return fc.record({ entry, segment: fc.integer({ min: 1, max: SEGMENTS }), at: fc.nat({ max: 30 }) });
  }),
);

function pageOf(office: OfficeOnDisk, session: string, segment: number): Entry[] {
  const page = office.sessions.segmentPage(session, segment);
  return page?.entries.flatMap(({ value }) => readEntry(JSON.parse(value)) ?? []) ?? [];
}

/** What a page shows by itself need not know where versions of a reply stand that are not on it. */
const isSingle = (item: TimelineItem): boolean => item.kind !== 'reply';

describe('a page of history', () => {
  test('[SG7] the pages together fold to the timeline, and each alone shows its entries as they are now', () => {
    withOffice((office) => {
      // Thousands of small transactions: what is proved here is no matter of the disk.
      office.database.pragma('synchronous = OFF');
      let number = 2_000;
      fc.assert(
        fc.property(histories, (history) => {
          const session = ulid(++number);
          startSession(office, session, { at: NOON - 1 });
          // What arrived is named in a segment that is no older.
          const written = history.map(({ entry, segment, at }) => ({
            entry: { ...entry, at: NOON + at },
            segment: entry.kind === 'arrived' ? SEGMENTS : segment,
          }));
          const bySegment = Map.groupBy(written, ({ segment }) => segment);
          for (const segment of [1, 2, 3, 4]) {
            const entries = (bySegment.get(segment) ?? []).map(({ entry }) => entry);
            office.projection.project([committed(session, entries, { segment })]);
          }
          const all = office.sessions.entries(session, { newest: 1_000 });
          const whole = fold(all);
          const pages = [1, 2, 3, 4].map((segment) => pageOf(office, session, segment));
          const union = new Map(pages.flat().map((entry) => [entry.id, entry]));
          expect(fold(union.values())).toEqual(whole);
          for (const [index, page] of pages.entries()) {
            expect(page).toEqual(page.toSorted(compareEntries));
            const own = new Set<string>(
              written.filter(({ segment }) => segment === index + 1).map(({ entry }) => entry.id),
            );
            for (const id of own) expect(page.some((entry) => entry.id === id)).toBe(true);
            const shown = fold(page).items.filter((item) => own.has(item.id) && isSingle(item));
            expect(shown).toEqual(whole.items.filter((item) => own.has(item.id) && isSingle(item)));
          }
        }),
        { numRuns: 150 },
      );
    });
  });

  test('[SG7] versions of a reply that were asked for later stand on the page of the first', () => {
    withOffice((office) => {
      const session = ulid(1_000);
      startSession(office, session, { at: NOON - 1 });
      const first = [message(1, 'question'), reply('a', ulid(1), 2)];
      const second = [again(3, replyId('a')), reply('b', ulid(3), 4)];
      const third = [again(5, replyId('b')), react(7, replyId('b'), 'bob'), message(8, 'something else')];
      const fourth = [reply('c', ulid(5), 9)];
      for (const [index, entries] of [first, second, third, fourth].entries())
        office.projection.project([committed(session, entries, { segment: index + 1 })]);
      const [, item] = fold(pageOf(office, session, 1)).items;
      expect(item).toMatchObject({ id: replyId('a'), reply: { id: replyId('c') } });
      expect(item?.kind === 'reply' && item.versions).toHaveLength(3);
      // The third page does not show an answer that stands on the first.
      expect(fold(pageOf(office, session, 3)).items.map(({ id }) => id)).toEqual([ulid(8)]);
    });
  });

  test('[SG5] a sealed entry makes the next segment the live one, also in a rebuilt projection', () => {
    withOffice((office) => {
      const session = ulid(1_000);
      startSession(office, session, { at: NOON - 1 });
      const sealed: Entry = { id: deriveId('sealed', 1), kind: 'sealed', author: OFFICE_AUTHOR, at: NOON, next: 2 };
      const log = [committed(session, [message(1, 'one'), sealed], { throughClock: 3 })];
      expect(office.sessions.segmentPage(session, 2)).toBeNull();
      office.projection.project(log);
      expect(office.sessions.wire(session, 'ann')?.documents.live).toBe(`session/${session}/2`);
      expect(office.sessions.segmentPage(session, 1)?.isSealed).toBe(true);
      expect(office.sessions.segmentPage(session, 2)).toMatchObject({ entries: [], isSealed: false });
      office.projection.rebuild();
      expect(office.sessions.liveSegment(session)).toBe(1);
      office.projection.project(log);
      expect(office.sessions.liveSegment(session)).toBe(2);
      expect(office.sessions.segmentPage(session, 3)).toBeNull();
      expect(office.sessions.segmentPage(ulid(1), 1)).toBeNull();
    });
  });
});
