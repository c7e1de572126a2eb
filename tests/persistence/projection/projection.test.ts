import { describe, expect, test } from 'vitest';
import type { Derivation } from '../../../persistence/projection/committed-entries.ts';
import { NOTHING_PROJECTED } from '../../../persistence/projection/projection.ts';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import { type Entry, OFFICE_AUTHOR } from '../../../sync-server/protocol/entry.ts';
import { readEvent } from '../../../sync-server/protocol/events.ts';
import { deriveId } from '../../../sync-server/protocol/ids.ts';
import { resolveScope } from '../../../sync-server/protocol/scope.ts';
import {
  again,
  committed,
  derivedRows,
  edit,
  inFolder,
  message,
  NOON,
  type OfficeOnDisk,
  openOffice,
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

const typesOf = (events: readonly { readonly wire: { readonly event_type: string } }[]) =>
  events.map((event) => event.wire.event_type);

const office = (number: number, entry: { kind: 'binned' | 'restored' }): Entry => ({
  ...entry,
  id: deriveId(entry.kind, number),
  author: OFFICE_AUTHOR,
  at: NOON + number,
  by: 'ann',
});

describe('a batch', () => {
  test('[PJ3] is there wholly or not at all: a derivation that throws leaves nothing, watermark included', () => {
    const failing: Derivation = {
      entryProjected: (entry) => {
        if (entry.kind === 'message' && entry.body === 'bad') throw new Error('no turn for this');
        return [];
      },
    };
    withOffice(
      (office) => {
        startSession(office, session);
        const before = [derivedRows(office.database), office.events.since(0, 100)];
        const batch = [committed(session, [message(1, 'good'), message(2, 'bad')], { throughClock: 7 })];
        expect(() => office.projection.project(batch)).toThrow('no turn for this');
        expect([derivedRows(office.database), office.events.since(0, 100)]).toEqual(before);
      },
      { derivations: [failing] },
    );
  });

  test('[PJ3] survives a process that ends between batches: the watermark says where to go on, and repeating is harmless', () => {
    inFolder((file) => {
      const document = segmentName(session, 1);
      const first = openOffice(file);
      startSession(first, session);
      first.projection.project([committed(session, [message(1, 'one')], { throughClock: 3 })]);
      // Closed without a word, in the middle of the log.
      first.database.close();
      const second = openOffice(file);
      expect(second.projection.watermark(document)).toBe(3);
      expect(second.projection.watermark(segmentName(session, 2))).toBe(NOTHING_PROJECTED);
      const { projected } = second.projection.project([
        committed(session, [message(1, 'one'), message(2, 'two')], { throughClock: 5 }),
      ]);
      expect(projected.map(({ id }) => id)).toEqual([ulid(2)]);
      expect(typesOf(second.events.since(0, 100).events)).toEqual(['session.created', 'chat.message', 'chat.message']);
      // An older batch that comes again moves the watermark nowhere.
      second.projection.project([committed(session, [message(1, 'one')], { throughClock: 1 })]);
      expect(second.projection.watermark(document)).toBe(5);
      second.database.close();
    });
  });

  test('[PJ3] leaves a document alone whose session nobody knows, and takes in the others', () => {
    withOffice((office) => {
      startSession(office, session);
      const { unknown, projected } = office.projection.project([
        committed(ulid(9), [message(1, 'to nobody')], { throughClock: 4 }),
        committed(session, [message(2, 'to us')]),
      ]);
      expect(unknown).toEqual([segmentName(ulid(9), 1)]);
      expect(projected).toHaveLength(1);
      expect(office.projection.watermark(segmentName(ulid(9), 1))).toBe(NOTHING_PROJECTED);
    });
  });

  test('[PJ3] derives from each new entry once, with the session as it then was', () => {
    const seen: unknown[] = [];
    const derivation: Derivation = {
      entryProjected: (entry, session) => {
        seen.push([entry.kind, session.title]);
        return [
          {
            type: 'council.created',
            entityType: 'council',
            entityId: 'x',
            sessionId: null,
            payload: { council_id: 'x' },
          },
        ];
      },
    };
    withOffice(
      (office) => {
        startSession(office, session);
        const title: Entry = { id: ulid(2), author: 'ann', at: NOON + 2, kind: 'title', title: 'Plans' };
        const { events } = project(office, session, [message(1, 'one'), title, message(3, 'three')]);
        expect(seen).toEqual([
          ['created', 'Budget'],
          ['message', 'Budget'],
          ['title', 'Plans'],
          ['message', 'Plans'],
        ]);
        expect(typesOf(events)).toEqual([
          'chat.message',
          'council.created',
          'session.updated',
          'council.created',
          'chat.message',
          'council.created',
        ]);
        expect(events.map((event) => event.wire.event_id)).toEqual([3, 4, 5, 6, 7, 8]);
      },
      { derivations: [derivation] },
    );
  });
});

describe('a rebuild', () => {
  const log = (): readonly Entry[] => [
    message(1, 'one'),
    edit(2, ulid(1), 'edited'),
    reply('a', ulid(1), 3),
    again(4, replyId('a')),
    reply('b', ulid(4), 5),
    retract(6, ulid(7)),
    message(7, 'taken back'),
    { id: ulid(8), author: 'ann', at: NOON + 8, kind: 'title', title: 'Renamed' },
    office(9, { kind: 'binned' }),
  ];
  const created: Entry = {
    id: deriveId('created', session),
    author: OFFICE_AUTHOR,
    at: NOON,
    kind: 'created',
    scope: { type: 'department', id: 'finance' },
    owner: 'ann',
    title: 'Budget',
    isPrivate: false,
  };
  const replay = (office: OfficeOnDisk, entries: readonly Entry[]) =>
    office.projection.project([
      committed(session, [created]),
      committed(session, entries.slice(0, 4), { throughClock: 4 }),
      committed(session, entries.slice(4), { throughClock: 2, segment: 2 }),
    ]);

  test('[PJ4] [INV8] gives the same rows, and no event or derivation again, also where it was cut off', () => {
    inFolder((file) => {
      const derived: string[] = [];
      const derivation: Derivation = {
        entryProjected: (entry) => {
          derived.push(entry.id);
          return [];
        },
      };
      let office = openOffice(file, { derivations: [derivation] });
      startSession(office, session);
      replay(office, log());
      const [rows, events, count] = [derivedRows(office.database), office.events.since(0, 100), derived.length];
      office.projection.rebuild();
      expect(office.sessions.messages(session, { limit: 10 }).messages).toEqual([]);
      expect(office.projection.watermark(segmentName(session, 1))).toBe(NOTHING_PROJECTED);
      office.projection.project([committed(session, [created, ...log().slice(0, 2)])]);
      // It ends here; the next start finds a watermark and goes on, with an entry that is new to it as well.
      office.database.close();
      office = openOffice(file, { derivations: [derivation] });
      const { events: sent } = replay(office, log());
      expect(sent).toEqual([]);
      expect(derivedRows(office.database)).toEqual(rows);
      expect(office.events.since(0, 100)).toEqual(events);
      expect(derived).toHaveLength(count);
      expect(office.database.prepare('SELECT count(*) AS count FROM derived_entries').get()).toEqual({ count: 0 });
      const news = project(office, session, [message(20, 'new')]);
      expect(typesOf(news.events)).toEqual(['chat.message']);
      expect(derived).toHaveLength(count + 1);
      office.database.close();
    });
  });

  test('[PJ4] makes a session that has no row from its created entry, wherever in the batch that is', () => {
    withOffice((office) => {
      office.projection.project([
        committed(session, [message(1, 'one'), ...log().slice(7, 8)]),
        committed(session, [created]),
      ]);
      expect(office.sessions.get(session)).toMatchObject({ owner: 'ann', title: 'Renamed', messageCount: 1 });
    });
  });
});

describe('events', () => {
  test('[EV1] every event of the log reads as its type says, and names the message as it is now', () => {
    withOffice((office) => {
      startSession(office, session);
      const mentions = [{ type: 'person', id: 'bob' } as const, { type: 'agent', id: 'finance/synth' } as const];
      const { events } = project(office, session, [
        message(1, 'one', { mentions }),
        reply('a', ulid(1), 2),
        reply('b', ulid(1), 3, { outcome: 'stopped', body: '' }),
        reply('c', ulid(1), 4, { outcome: 'failed', body: 'half' }),
        reply('d', ulid(1), 5, { outcome: 'stopped', body: 'half' }),
      ]);
      expect(events.map((event) => readEvent(event.wire)?.payload)).toMatchObject([
        { sender: 'user', content: 'one', mentions: ['bob'], type: 'department_chat', scope_id: 'finance' },
        { sender: 'assistant', content: 'answer a', author_id: 'finance/synth', mentions: [] },
        { sender: 'assistant', content: 'half', message_id: replyId('d') },
      ]);
      expect(office.events.since(1, 100).events).toEqual(events);
      project(office, session, [retract(6, ulid(1))]);
      expect(office.events.since(1, 1).events[0]?.wire.payload).toMatchObject({ content: '', message_id: ulid(1) });
      expect(
        office.database.prepare("SELECT count(*) AS c FROM event_log WHERE payload LIKE '%answer a%'").get(),
      ).toEqual({ c: 0 });
    });
  });

  test('[EV1] moves to the bin and back are told, what changes nothing is not', () => {
    withOffice((disk) => {
      startSession(disk, session);
      const title: Entry = {
        id: ulid(1),
        author: 'ann',
        at: NOON - 1,
        kind: 'title',
        title: 'Older than the first one',
      };
      const steps = [
        office(2, { kind: 'binned' }),
        office(3, { kind: 'binned' }),
        office(5, { kind: 'restored' }),
        title,
      ];
      expect(typesOf(project(disk, session, steps).events)).toEqual(['session.deleted', 'session.updated']);
      expect(disk.sessions.get(session)).toMatchObject({ isBinned: false, title: 'Budget' });
    });
  });

  test('[EV2] a debate tells of its start, of what is said in it, and of its synthesis', () => {
    withOffice((office) => {
      const scope = resolveScope('council', 'finance');
      if (!scope) throw new Error('there is a finance council');
      startSession(office, session, { scope });
      const debate: Entry = {
        id: ulid(2),
        author: 'ann',
        at: NOON + 2,
        kind: 'debate',
        topic: 'Buy?',
        preset: 'quick',
        seats: ['oracle', 'macro'],
      };
      const { events } = project(office, session, [
        message(1, 'before it'),
        debate,
        message(3, 'in it'),
        reply('p', ulid(2), 4, { author: 'council/finance/oracle', step: 'position' }),
        reply('s', ulid(2), 5, { author: 'council/finance/chair', step: 'synthesis', body: 'Buy.' }),
        message(6, 'after it'),
      ]);
      expect(typesOf(events)).toEqual([
        'chat.message',
        'council.debate.started',
        'chat.message',
        'council.debate.message',
        'chat.message',
        'council.debate.message',
        'chat.message',
        'council.debate.synthesized',
        'chat.message',
      ]);
      expect(events.map((event) => readEvent(event.wire)?.payload)).toMatchObject([
        {},
        { topic: 'Buy?', council_id: 'finance', session_id: session },
        {},
        { expert_id: 'ann', expert_name: 'ANN', sender: 'user', content: 'in it' },
        {},
        { expert_id: 'oracle', expert_name: 'The Oracle', sender: 'assistant', content: 'answer p' },
        { content: 'Buy.' },
        { synthesis: 'Buy.' },
        { content: 'after it' },
      ]);
      expect(office.events.since(1, 100).events).toEqual(events);
    });
  });

  const brain = (name: string) =>
    ({
      type: 'council.deleted',
      entityType: 'council',
      entityId: name,
      sessionId: null,
      payload: { council_id: name },
    }) as const;

  test('[EV3] only the newest are kept, ids go on growing, and who missed some is told', () => {
    withOffice(
      (office) => {
        expect(office.events.since(0, 10)).toEqual({ events: [], gap: false, oldest: 0 });
        for (let i = 1; i <= 5; i++) office.events.append([brain(String(i))], NOON);
        const ids = (after: number | null, limit = 10) => {
          const page = office.events.since(after, limit);
          return [page.events.map((event) => event.wire.event_id), page.gap, page.oldest];
        };
        expect(ids(3)).toEqual([[4, 5], false, 3]);
        expect(ids(2)).toEqual([[3, 4, 5], false, 3]);
        expect(ids(1)).toEqual([[3, 4, 5], true, 3]);
        expect(ids(5)).toEqual([[], false, 3]);
        expect(ids(99)).toEqual([[3, 4, 5], true, 3]);
        expect(ids(null, 2)).toEqual([[4, 5], false, 3]);
        expect(ids(2, 1)).toEqual([[3], false, 3]);
      },
      { maxKept: 3 },
    );
  });

  test('[EV4] only those see an event who may read its session', () => {
    withOffice((office) => {
      startSession(office, session, { isPrivate: true, members: ['bob'] });
      const events = [...office.events.append([brain('x')], NOON), ...office.events.since(0, 1).events];
      const [everyones, secret] = events;
      if (!everyones || !secret) throw new Error('two events were logged');
      for (const [id, sees] of [
        ['ann', true],
        ['bob', true],
        ['cat', false],
      ] as const) {
        expect(office.events.visibleTo(person(id), secret)).toBe(sees);
        expect(office.events.visibleTo(person(id), everyones)).toBe(true);
        expect(office.events.since(0, 10, person(id)).events).toHaveLength(sees ? 2 : 1);
      }
      expect(office.events.visibleTo(person('cat', 'owner'), secret)).toBe(false);
    });
  });
});
