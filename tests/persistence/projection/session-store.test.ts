import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionFilter } from '../../../persistence/projection/session-store.ts';
import { type Entry, OFFICE_AUTHOR } from '../../../sync-server/protocol/entry.ts';
import { OfficeError } from '../../../sync-server/protocol/errors.ts';
import { deriveId, type EntryId } from '../../../sync-server/protocol/ids.ts';
import { permission } from '../../../sync-server/protocol/permission.ts';
import { categoryOf, type Scope } from '../../../sync-server/protocol/scope.ts';
import { messageSchema, sessionSchema } from '../../../sync-server/protocol/wire.ts';
import {
  again,
  edit,
  FINANCE,
  message,
  NOON,
  type OfficeOnDisk,
  person,
  project,
  reply,
  replyId,
  retract,
  startSession,
  ulid,
  withOffice,
} from './office-on-disk.ts';

const session = ulid(1_000);
const ann = person('ann');

const listed = (office: OfficeOnDisk, filter: Partial<SessionFilter> = {}, viewer = ann) =>
  office.sessions.list(viewer, { limit: 50, ...filter }).sessions.map((found) => found.session_id);

const found = (office: OfficeOnDisk, q: string, viewer = ann) =>
  office.sessions.search(viewer, { q, limit: 50 }).map((hit) => hit.message_id);

describe('a session', () => {
  test('[SE1] is made once: again is the same, as another is a conflict', () => {
    withOffice((office) => {
      const wanted = {
        id: session,
        scope: FINANCE,
        owner: 'ann',
        title: 'T',
        isPrivate: true,
        members: ['bob', 'bob'],
        at: NOON,
      };
      expect(office.sessions.create(wanted)).toBe('created');
      expect(office.sessions.create({ ...wanted, title: 'Other', members: [] })).toBe('same');
      expect(office.sessions.create({ ...wanted, owner: 'bob' })).toBe('conflict');
      expect(office.sessions.create({ ...wanted, scope: { type: 'general', id: null } })).toBe('conflict');
      expect(office.sessions.create({ ...wanted, isPrivate: false })).toBe('conflict');
      expect(office.sessions.get(session)).toMatchObject({
        title: 'T',
        members: ['bob'],
        createdAt: NOON,
        liveSegment: 1,
      });
      expect(office.sessions.get('no such id')).toBeNull();
      expect(office.sessions.wire(ulid(5), 'ann')).toBeNull();
    });
  });

  test('[SE2] reads on the wire as its schema says, with the newest message or answer that was not taken back', () => {
    withOffice((office) => {
      startSession(office, session);
      project(office, session, [
        message(1, 'one'),
        reply('note', ulid(1), 2, { step: 'note' }),
        reply('a', ulid(1), 3, { isRehearsed: true, model: 'm', measures: measures() }),
        reply('f', ulid(1), 4, { outcome: 'failed', body: '' }),
        message(5, 'sorry'),
        retract(6, ulid(5)),
      ]);
      const wire = sessionSchema.parse(office.sessions.wire(session, 'ann'));
      expect(wire).toEqual({
        session_id: session,
        title: 'Budget',
        scope_type: 'department',
        scope_id: 'finance',
        category: categoryOf(FINANCE),
        owner_id: 'ann',
        is_private: false,
        created_at: new Date(NOON).toISOString(),
        updated_at: new Date(NOON + 5).toISOString(),
        message_count: 4,
        last_message: {
          message_id: replyId('a'),
          session_id: session,
          role: 'assistant',
          author_id: 'finance/synth',
          author_name: 'Zoe Accounting',
          agent_id: 'finance/synth',
          content: 'answer a',
          model: 'm',
          tokens: 9,
          response_time_ms: 12.5,
          created_at: new Date(NOON + 3).toISOString(),
          step: 'answer',
          outcome: 'done',
          is_rehearsed: true,
          cause: ulid(1),
        },
        late_at: null,
        is_active: true,
        documents: { live: `session/${session}/1`, brief: `brief/${session}` },
      });
    });
  });
});

describe('late arrivals', () => {
  const arrived = (number: number, ...ids: EntryId[]): Entry => ({
    id: deriveId('arrived', number),
    kind: 'arrived',
    author: OFFICE_AUTHOR,
    at: NOON + number,
    ids,
  });
  const lateFor = (office: OfficeOnDisk, reader: string): number | null => {
    const row = office.sessions.wire(session, reader);
    const { sessions } = office.sessions.list(person(reader), { limit: 5 });
    expect(sessions).toEqual([row]);
    const { sessions: found } = office.sessions.list(person(reader), { limit: 5, q: 'budget' });
    expect(found).toEqual([row]);
    return row?.late_at ? Date.parse(row.late_at) - NOON : null;
  };

  test('[SE8] a row says when something last came late that its reader did not write, alone and in lists', () => {
    withOffice((office) => {
      startSession(office, session);
      project(office, session, [
        message(1, 'from bob', { author: 'bob' }),
        message(2, 'from ann'),
        message(3, 'in time', { author: 'bob' }),
      ]);
      expect(['ann', 'bob', 'cat'].map((reader) => lateFor(office, reader))).toEqual([null, null, null]);
      project(office, session, [arrived(50, ulid(1)), arrived(70, ulid(2)), arrived(60, ulid(2), ulid(1))]);
      expect(['ann', 'bob', 'cat'].map((reader) => lateFor(office, reader))).toEqual([60, 70, 70]);
    });
  });

  test('[SE8] only what was said counts: no reaction, no edit, nothing taken back and nothing that is not there', () => {
    withOffice((office) => {
      startSession(office, session);
      project(office, session, [
        message(1, 'sorry', { author: 'bob' }),
        edit(2, ulid(1), 'very sorry', 'bob'),
        reply('note', ulid(1), 4, { step: 'note' }),
        arrived(50, ulid(1), ulid(2), ulid(99), replyId('note')),
      ]);
      expect(lateFor(office, 'ann')).toBe(50);
      project(office, session, [retract(6, ulid(1), 'bob')]);
      expect(lateFor(office, 'ann')).toBeNull();
    });
  });

  test('[SE8] [PJ4] rebuilt rows say the same, in whatever order entries come', () => {
    const log = [message(1, 'one', { author: 'bob' }), message(2, 'two'), arrived(50, ulid(1)), arrived(60, ulid(2))];
    withOffice((office) => {
      startSession(office, session);
      project(office, session, [...log].reverse());
      expect([lateFor(office, 'ann'), lateFor(office, 'bob')]).toEqual([50, 60]);
      office.projection.rebuild();
      expect(office.sessions.wire(session, 'ann')?.late_at).toBeNull();
      project(office, session, log);
      expect([lateFor(office, 'ann'), lateFor(office, 'bob')]).toEqual([50, 60]);
    });
  });

  test('[SE8] looks through the newest 20 times in which something came late', () => {
    withOffice((office) => {
      startSession(office, session);
      const times = (count: number) => Array.from({ length: count }, (_, n) => arrived(51 + n, ulid(2)));
      project(office, session, [
        message(1, 'one', { author: 'bob' }),
        message(2, 'two'),
        arrived(50, ulid(1)),
        ...times(19),
      ]);
      expect(lateFor(office, 'ann')).toBe(50);
      project(office, session, times(20));
      expect(lateFor(office, 'ann')).toBeNull();
    });
  });
});

const measures = () => ({ promptTokens: 5, outputTokens: 9, loadMs: 1, promptMs: 1, outputMs: 1, totalMs: 12.5 });

describe('messages', () => {
  test('[SE3] page back by an exclusive cursor, ascending, whatever is written meanwhile', () => {
    withOffice((office) => {
      startSession(office, session);
      project(
        office,
        session,
        Array.from({ length: 7 }, (_, i) => message(i + 1, `m${i + 1}`)),
      );
      const read = (before: string | undefined) => office.sessions.messages(session, { before, limit: 3 });
      const newest = read(undefined);
      expect(newest.messages.map((shown) => shown.content)).toEqual(['m5', 'm6', 'm7']);
      project(office, session, [message(8, 'm8'), reply('late', ulid(1), -5)]);
      const middle = read(newest.next_cursor ?? undefined);
      expect(middle.messages.map((shown) => shown.content)).toEqual(['m2', 'm3', 'm4']);
      const oldest = read(middle.next_cursor ?? undefined);
      expect(oldest.messages.map((shown) => shown.content)).toEqual(['answer late', 'm1']);
      expect(oldest.next_cursor).toBeNull();
      for (const shown of newest.messages) messageSchema.parse(shown);
      expect(() => read('nobody')).toThrow(OfficeError);
    });
  });

  test('[SE3] a cursor at a reply still works once that reply has a newer version', () => {
    withOffice((office) => {
      startSession(office, session);
      project(office, session, [message(1, 'q'), reply('a', ulid(1), 2), message(3, 'next')]);
      const page = office.sessions.messages(session, { limit: 2 });
      expect(page.next_cursor).toBe(replyId('a'));
      project(office, session, [again(4, replyId('a')), reply('b', ulid(4), 5)]);
      const before = page.next_cursor ?? undefined;
      expect(office.sessions.messages(session, { before, limit: 2 }).messages).toMatchObject([{ message_id: ulid(1) }]);
      expect(office.sessions.wire(session, 'ann')).toMatchObject({
        message_count: 3,
        last_message: { message_id: ulid(3) },
      });
    });
  });

  test('[SE4] the newest entries come in order, and each can be asked for', () => {
    withOffice((office) => {
      startSession(office, session);
      const log = [message(3, 'c'), message(1, 'a'), edit(2, ulid(1), 'b')];
      project(office, session, log);
      expect(office.sessions.entries(session, { newest: 2 })).toEqual([log[2], log[0]]);
      expect(office.sessions.entry(session, ulid(3))).toEqual(log[0]);
      expect(office.sessions.entry(ulid(1), ulid(3))).toBeNull();
      expect([office.sessions.hasEntry(session, ulid(3)), office.sessions.hasEntry(session, ulid(4))]).toEqual([
        true,
        false,
      ]);
    });
  });

  test('[SE5] an export holds what is shown, all pages of it, and no text that was taken back', () => {
    withOffice((office) => {
      startSession(office, session);
      project(
        office,
        session,
        Array.from({ length: 450 }, (_, i) => message(i + 1, `m${i + 1}`)),
      );
      project(office, session, [message(900, 'secret'), retract(901, ulid(900))]);
      const json = office.sessions.exportSession(session, 'json', 'ann');
      expect(JSON.parse(json?.body ?? '').messages).toHaveLength(451);
      const markdown = office.sessions.exportSession(session, 'md', 'ann');
      expect(markdown?.body).toContain('# Budget\n\n## ANN (2026-05-04T12:00:00.001Z)\n\nm1\n');
      for (const file of [json, markdown]) expect(file?.body).not.toContain('secret');
      expect(office.sessions.exportSession(ulid(1), 'md', 'ann')).toBeNull();
    });
  });
});

describe('lists', () => {
  const scopes: readonly Scope[] = [
    { type: 'executive', id: 'daena' },
    { type: 'department', id: 'finance' },
    { type: 'department', id: 'hr' },
    { type: 'agent', id: 'finance/synth' },
    { type: 'general', id: null },
    { type: 'council', id: 'finance' },
  ];

  test('[SE6] narrow by category, scope, bin and words, newest activity first', () => {
    withOffice((office) => {
      for (const [i, scope] of scopes.entries())
        startSession(office, ulid(i), { scope, title: `Nr ${i} ÄPFEL`, at: NOON + i });
      expect(listed(office)).toEqual([5, 4, 3, 2, 1, 0].map(ulid));
      expect(listed(office, { category: 'all' })).toHaveLength(6);
      expect(listed(office, { category: 'departments' })).toEqual([2, 1].map(ulid));
      expect(listed(office, { category: 'finance' })).toEqual([ulid(1)]);
      expect(listed(office, { category: 'agents' })).toEqual([ulid(3)]);
      expect(listed(office, { category: 'council' })).toEqual([ulid(5)]);
      expect(listed(office, { scopeType: 'department', scopeId: 'hr' })).toEqual([ulid(2)]);
      project(office, ulid(0), [message(100, 'Quarterly figures')]);
      expect(listed(office, { limit: 1 })).toEqual([ulid(0)]);
      expect(listed(office, { q: 'figur' })).toEqual([ulid(0)]);
      expect(listed(office, { q: 'nr 3 äp' })).toEqual([ulid(3)]);
      expect(listed(office, { q: '"' })).toEqual([]);
      expect(listed(office, { binned: true })).toEqual([]);
    });
  });

  test('[SE7] a cursor shows no session twice and skips none that stays in place, while others move', () => {
    withOffice((office) => {
      for (let i = 0; i < 9; i++) startSession(office, ulid(i), { at: NOON + (i >> 1) });
      const first = office.sessions.list(ann, { limit: 4 });
      project(office, ulid(0), [message(500, 'to the top')]);
      startSession(office, ulid(20), { at: NOON + 1_000 });
      const second = office.sessions.list(ann, { limit: 4, cursor: first.next_cursor ?? undefined });
      const seen = [...first.sessions, ...second.sessions].map((shown) => shown.session_id);
      expect(seen).toEqual([8, 7, 6, 5, 4, 3, 2, 1].map(ulid));
      expect(second.next_cursor).toBeNull();
      for (const cursor of ['', 'x', '1.2', `${NOON}.${session}'`, `-1.${session}`])
        expect(() => office.sessions.list(ann, { limit: 4, cursor })).toThrow(OfficeError);
    });
  });

  test('[PE1] lists and search show exactly what the permission function lets a person read', () => {
    withOffice((office) => {
      const people = ['ann', 'bob', 'cat'];
      const kinds = fc.record({
        owner: fc.constantFrom(...people),
        isPrivate: fc.boolean(),
        members: fc.subarray(people),
      });
      const made = fc.sample(kinds, { numRuns: 24, seed: 5 });
      made.forEach((kind, i) => {
        startSession(office, ulid(i), kind);
        project(office, ulid(i), [message(100 + i, 'pineapple')]);
      });
      for (const viewer of [...people.map((id) => person(id)), person('dan', 'owner')]) {
        const mayRead = made
          .map((_, i) => ulid(i))
          .filter((id) => {
            const record = office.sessions.get(id);
            return record !== null && permission(viewer, record, 'read');
          })
          .sort();
        expect(listed(office, {}, viewer).sort()).toEqual(mayRead);
        expect(listed(office, { q: 'pineapple' }, viewer).sort()).toEqual(mayRead);
        expect(
          office.sessions
            .search(viewer, { q: 'pineapple', limit: 50 })
            .map((hit) => hit.session_id)
            .sort(),
        ).toEqual(mayRead);
      }
    });
  });
});

describe('search', () => {
  test('[SR1] finds words by their beginning in any script, and marks them', () => {
    withOffice((office) => {
      startSession(office, session);
      const texts = [
        'The café budget is 20 % over',
        '我们明天讨论预算问题',
        'ラーメンを食べたい',
        'שלום עולם',
        'مرحبا بالعالم',
        'ship it 🚀🚀 now ❤️',
        'สวัสดีชาวโลก',
        'हिन्दी में लिखा',
        '예산을 검토합시다',
      ];
      project(
        office,
        session,
        texts.map((text, i) => message(i + 1, text)),
      );
      const queries: readonly (readonly [string, number])[] = [
        ['CAFE', 1],
        ['budg caf', 1],
        ['预算', 2],
        ['题', 2],
        ['メン', 3],
        ['עול', 4],
        ['بالع', 5],
        ['🚀', 6],
        ['❤', 6],
        ['ชาว', 7],
        ['हिन्', 8],
        ['검토', 9],
      ];
      for (const [q, number] of queries) expect([q, found(office, q)]).toEqual([q, [ulid(number)]]);
      expect(office.sessions.search(ann, { q: '预算', limit: 5 })).toMatchObject([
        { snippet: '我们明天讨论\u0002预算\u0003问题', author_name: 'ANN', session_title: 'Budget' },
      ]);
      expect(found(office, '算预')).toEqual([]);
      expect(office.sessions.search(ann, { q: 'budget', scopeType: 'general', limit: 5 })).toEqual([]);
    });
  });

  test('[SR2] follows edits, retractions and newer versions', () => {
    withOffice((office) => {
      startSession(office, session);
      project(office, session, [message(1, 'apple'), reply('a', ulid(1), 2, { body: 'cherry' })]);
      project(office, session, [edit(3, ulid(1), 'pear')]);
      expect([found(office, 'apple'), found(office, 'pear')]).toEqual([[], [ulid(1)]]);
      project(office, session, [again(4, replyId('a')), reply('b', ulid(4), 5, { body: 'cherry pie' })]);
      expect(found(office, 'cherry')).toEqual([replyId('b')]);
      project(office, session, [retract(6, ulid(1)), edit(7, ulid(1), 'plum')]);
      expect([found(office, 'pear'), found(office, 'plum')]).toEqual([[], []]);
      expect(office.database.prepare('SELECT count(*) AS c FROM message_search').get()).toEqual({ c: 2 });
    });
  });

  test('[SR3] takes whatever is typed: nothing acts as syntax, nothing fails', () => {
    withOffice((office) => {
      startSession(office, session);
      project(office, session, [message(1, 'alpha AND "beta" NEAR(gamma) col:umn \u0002mark\u0003 -minus')]);
      for (const q of ['"beta"', 'AND', 'alpha AND beta', 'NEAR(gamma', 'col:umn', '-minus', 'mark', 'alpha* ^beta'])
        expect([q, found(office, q)]).toEqual([q, [ulid(1)]]);
      for (const q of [
        '',
        ' ',
        '"',
        '*',
        '!!!',
        "'; DROP TABLE chat_messages; --",
        '\u0000',
        '\ud800',
        'alpha OR zeta',
      ])
        expect([q, found(office, q)]).toEqual([q, []]);
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (q) => {
          found(office, q);
          listed(office, { q });
        }),
        { numRuns: 300 },
      );
    });
  });
});
