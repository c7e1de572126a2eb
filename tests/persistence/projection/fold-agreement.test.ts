import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Entry, OFFICE_AUTHOR } from '../../../sync-server/protocol/entry.ts';
import { fold, type TimelineItem } from '../../../sync-server/protocol/fold.ts';
import type { EntryId } from '../../../sync-server/protocol/ids.ts';
import {
  again,
  derivedRows,
  edit,
  message,
  NOON,
  type OfficeOnDisk,
  project,
  reply,
  replyId,
  retract,
  startSession,
  ulid,
  withOffice,
} from './office-on-disk.ts';

const AUTHORS = ['ann', 'bob'];
const SIZE = 14;

/** Ids that entries may refer to: messages, replies, requests, and one that nobody ever wrote. */
const targets = fc.oneof(
  fc.nat({ max: SIZE + 1 }).map((number): EntryId => ulid(number)),
  fc.nat({ max: SIZE + 1 }).map((number): EntryId => replyId(String(number))),
);

/** The entry of a number: its id follows from the number and the kind, its time is any of a few, so that many are equal. */
function entryOf(number: number): fc.Arbitrary<Entry> {
  const at = fc.nat({ max: 6 }).map((offset) => NOON + offset);
  const author = fc.constantFrom(...AUTHORS);
  const body = fc.constantFrom('one', 'two', 'three', '');
  return fc.oneof(
    fc
      .record({ at, author, body: fc.constantFrom('one', 'two') })
      .map(({ body, ...over }) => message(number, body, over)),
    fc
      .record({ at, author, target: targets, body })
      .map((r) => ({ ...edit(number, r.target, r.body, r.author), at: r.at })),
    fc.record({ at, author, target: targets }).map((r) => ({ ...retract(number, r.target, r.author), at: r.at })),
    fc.record({ at, author, target: targets }).map((r) => ({ ...again(number, r.target, r.author), at: r.at })),
    fc
      .record({ at, cause: targets, body, outcome: fc.constantFrom('done', 'stopped', 'failed') })
      .map(({ at, cause, ...over }) => reply(String(number), cause, at - NOON, over)),
    fc
      .record({ at, title: fc.constantFrom('A', 'B', 'C'), author })
      .map((r): Entry => ({ ...r, id: ulid(number), kind: 'title' })),
    fc
      .record({ at, kind: fc.constantFrom('binned', 'restored') })
      .map((r): Entry => ({ ...r, id: ulid(number), author: OFFICE_AUTHOR, by: 'ann' })),
    fc.record({ at, body }).map((r): Entry => ({ ...r, id: ulid(number), author: OFFICE_AUTHOR, kind: 'notice' })),
  );
}

/** Requests 0 to 3 for versions of replies 4 to 8, which mostly answer such requests: chains, forks and loops. */
function chainPart(number: number): fc.Arbitrary<Entry> {
  const at = fc.nat({ max: 20 }).map((offset) => NOON + offset);
  if (number < 4) {
    const target = fc.integer({ min: 4, max: 8 }).map((reply) => replyId(String(reply)));
    return fc.record({ at, target }).map((r) => ({ ...again(number, r.target), at: r.at }));
  }
  const cause = fc.nat({ max: 4 }).map((request) => ulid(request));
  return fc.record({ at, cause }).map((r) => reply(String(number), r.cause, r.at - NOON));
}

const logs = fc.tuple(
  ...Array.from({ length: SIZE }, (_, number) =>
    number <= 8 ? fc.oneof(chainPart(number), entryOf(number)) : entryOf(number),
  ),
);
const logsInTwoOrders = logs.chain((log) =>
  fc.tuple(fc.constant<readonly Entry[]>(log), fc.shuffledSubarray([...log], { minLength: SIZE })),
);

describe('the projection and the fold', () => {
  const session = ulid(1_000);

  test('[PJ2] [INV3] agree for any entries in any order', () => {
    withOffice((office) => {
      // Thousands of small transactions: what is proved here is no matter of the disk.
      office.database.pragma('synchronous = OFF');
      let number = 2_000;
      fc.assert(
        fc.property(logsInTwoOrders, ([log, shuffled]) => {
          const [first, second] = [ulid(++number), ulid(++number)];
          for (const [id, entries] of [
            [first, log],
            [second, shuffled],
          ] as const) {
            startSession(office, id, { at: NOON - 1 });
            for (const entry of entries) project(office, id, [entry]);
            expectAgreement(office, id);
          }
        }),
        { numRuns: 150 },
      );
    });
  });

  test('[PJ2] agree on a chain of versions whose parts come last to first', () => {
    withOffice((office) => {
      startSession(office, session);
      const log: Entry[] = [
        message(1, 'question'),
        reply('a', ulid(1), 2),
        again(3, replyId('a')),
        reply('b', ulid(3), 4),
        again(5, replyId('b')),
        reply('c', ulid(5), 6),
        again(7, replyId('a')),
        reply('d', ulid(7), 8),
      ];
      for (const entry of log.toReversed()) project(office, session, [entry]);
      expectAgreement(office, session);
      const { messages } = office.sessions.messages(session, { limit: 10 });
      expect(messages.map((shown) => [shown.message_id, shown.cause])).toEqual([
        [ulid(1), undefined],
        [replyId('d'), ulid(1)],
      ]);
      expect(office.sessions.message(session, replyId('b'))).toMatchObject({ content: 'answer b' });
    });
  });

  test("[PJ2] an edit counts only if it is the author's, and a retraction blanks the text", () => {
    withOffice((office) => {
      startSession(office, session);
      project(office, session, [edit(5, ulid(1), 'mine'), edit(6, ulid(1), 'forged', 'bob'), message(1, 'first')]);
      expect(office.sessions.message(session, ulid(1))).toMatchObject({
        content: 'mine',
        edited_at: new Date(NOON + 5).toISOString(),
      });
      project(office, session, [retract(7, ulid(2)), message(2, 'taken back before it came')]);
      expect(office.sessions.message(session, ulid(2))).toMatchObject({ content: '', deleted: true });
      expect(office.sessions.wire(session, 'ann')).toMatchObject({
        message_count: 1,
        last_message: { message_id: ulid(1) },
      });
    });
  });

  test('[PJ1] what is projected a second time changes nothing, logs nothing and derives nothing', () => {
    const derived: string[] = [];
    const derivation = {
      entryProjected: (entry: Entry) => {
        derived.push(entry.id);
        return [];
      },
    };
    withOffice(
      (office) => {
        startSession(office, session);
        const log = [message(1, 'one'), edit(2, ulid(1), 'two'), reply('a', ulid(1), 3), again(4, replyId('a'))];
        project(office, session, log);
        const [rows, events, count] = [derivedRows(office.database), office.events.since(0, 100), derived.length];
        for (const entries of [log, log.toReversed(), [log[1], log[1]].flatMap((entry) => entry ?? [])]) {
          expect(project(office, session, entries)).toEqual({ events: [], projected: [], unknown: [] });
        }
        expect(derivedRows(office.database)).toEqual(rows);
        expect(office.events.since(0, 100)).toEqual(events);
        expect(derived).toHaveLength(count);
      },
      { derivations: [derivation] },
    );
  });
});

/** What the HTTP edge shows of a session is what the fold of its entries shows. */
function expectAgreement(office: OfficeOnDisk, id: string): void {
  const timeline = fold(office.sessions.entries(id, { newest: 1_000 }));
  const { messages } = office.sessions.messages(id, { limit: 200 });
  expect(
    messages.map(({ message_id, author_id, content, deleted, edited_at, cause }) => ({
      message_id,
      author_id,
      content,
      deleted: deleted ?? false,
      edited_at: edited_at ?? null,
      cause: cause ?? null,
    })),
  ).toEqual(timeline.items.map(asMessage));
  const session = office.sessions.wire(id, 'ann');
  expect(session).toMatchObject({
    title: timeline.title,
    is_active: !timeline.isBinned,
    message_count: timeline.items.filter((item) => !item.isRetracted).length,
  });
}

function asMessage(item: TimelineItem) {
  const editedAt = item.kind === 'message' ? item.editedAt : null;
  return {
    message_id: item.kind === 'reply' ? item.reply.id : item.id,
    author_id: item.kind === 'reply' ? item.reply.author : item.author,
    content: item.isRetracted ? '' : textOf(item),
    deleted: item.isRetracted,
    edited_at: editedAt === null ? null : new Date(editedAt).toISOString(),
    cause: item.kind === 'reply' ? item.cause : null,
  };
}

function textOf(item: TimelineItem): string {
  if (item.kind === 'debate') return item.topic;
  return item.kind === 'reply' ? item.reply.body : item.body;
}
