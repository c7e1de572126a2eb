import { expect, test } from 'vitest';
import { type Arrangement, arrange } from '../../client/office/arrange.ts';
import type { Entry, Step } from '../../sync-server/protocol/entry.ts';
import { fold } from '../../sync-server/protocol/fold.ts';
import { makeUlid, ULID_RANDOM_BYTES } from '../../sync-server/protocol/ids.ts';
import type { LiveRow } from '../../sync-server/protocol/segment.ts';
import { type TurnView, turnIdOf } from '../../sync-server/protocol/turn.ts';

const SESSION = 'S';
const MINUTE = 60_000;
const DAY = 86_400_000;
const id = (at: number) => makeUlid(at, new Uint8Array(ULID_RANDOM_BYTES));

const message = (author: string, at: number): Entry => ({
  id: id(at),
  kind: 'message',
  author,
  at,
  body: `${author} ${at}`,
  mentions: [],
});

function reply(agent: string, cause: Entry, step: Step, at: number): Entry {
  const turn = turnIdOf(SESSION, cause.id, agent, step);
  return {
    id: turn,
    kind: 'reply',
    author: agent,
    at,
    cause: cause.id,
    step,
    attempt: 1,
    outcome: 'done',
    body: agent,
  };
}

function row(agent: string, cause: Entry, step: Step, at: number, attempt = 1): LiveRow {
  const turn = turnIdOf(SESSION, cause.id, agent, step);
  const rest = { model: 'm', isRehearsed: false, text: 'so far', thinking: '' };
  return { rowId: `${turn}.${attempt}`, turn, attempt, agent, cause: cause.id, step, at, ...rest };
}

function view(agent: string, cause: Entry, step: Step, state: TurnView['state'], stage = 0): TurnView {
  return {
    turn: turnIdOf(SESSION, cause.id, agent, step),
    session_id: SESSION,
    cause: cause.id,
    agent_id: agent,
    agent_name: agent,
    step,
    stage,
    attempt: 1,
    state,
    place: state === 'queued' ? 1 : null,
    waiting_for: null,
    model: null,
    segment: null,
    queued_at: new Date(cause.at + 1).toISOString(),
    since: new Date(cause.at + 1).toISOString(),
  };
}

function lines(entries: readonly Entry[], more: Partial<Arrangement> = {}) {
  const arrangement: Arrangement = {
    items: fold(entries).items,
    rows: [],
    turns: [],
    readUntil: null,
    isFromBeginning: true,
    me: 'ada',
    dayOf: (at) => String(Math.floor(at / DAY)),
    ...more,
  };
  return arrange(arrangement);
}

const kinds = (found: ReturnType<typeof lines>) => found.map(({ kind }) => kind);

test('days part the messages, and messages of one author within minutes stand together', () => {
  const found = lines([
    message('ada', 10),
    message('ada', 10 + MINUTE),
    message('ben', 20 + MINUTE),
    message('ada', DAY),
  ]);
  expect(kinds(found)).toEqual(['day', 'message', 'message', 'message', 'day', 'message']);
  expect(found.flatMap((line) => (line.kind === 'message' ? [line.isGrouped] : []))).toEqual([
    false,
    true,
    false,
    false,
  ]);
});

test('the unread line stands before the first foreign message after what was read', () => {
  const found = lines([message('ben', 10), message('ada', 20), message('ben', 30)], { readUntil: 15 });
  expect(kinds(found)).toEqual(['day', 'message', 'message', 'unread', 'message']);
});

test('a turn keeps its key from the queue over the row to the reply', () => {
  const asked = message('ada', 10);
  const queued = lines([asked], { turns: [view('daena', asked, 'answer', 'queued')] });
  const writing = lines([asked], {
    turns: [view('daena', asked, 'answer', 'writing')],
    rows: [row('daena', asked, 'answer', 20)],
  });
  const done = lines([asked, reply('daena', asked, 'answer', 30)], { rows: [row('daena', asked, 'answer', 20)] });
  for (const found of [queued, writing, done]) expect(kinds(found)).toEqual(['day', 'message', 'bubble']);
  expect(new Set([queued, writing, done].map((found) => found.at(-1)?.key)).size).toBe(1);
});

test('of two attempts at a turn the newer row is shown, and a final turn shows none', () => {
  const asked = message('ada', 10);
  const rows = [row('daena', asked, 'answer', 20, 2), row('daena', asked, 'answer', 15, 1)];
  const found = lines([asked], { rows }).at(-1);
  expect(found?.kind === 'bubble' && found.bubble.attempt).toBe(2);
  expect(kinds(lines([asked], { turns: [view('daena', asked, 'answer', 'done')] }))).toEqual(['day', 'message']);
});

test('notes hang on the answer to their cause, whether that is said or still waiting', () => {
  const asked = message('ada', 10);
  const notes = ['finance/advisor_a', 'finance/executor'].map((agent, index) =>
    reply(agent, asked, 'note', 20 + index),
  );
  const waiting = lines([asked, ...notes], { turns: [view('finance/synth', asked, 'answer', 'queued', 1)] });
  const said = lines([asked, ...notes, reply('finance/synth', asked, 'answer', 40)]);
  for (const found of [waiting, said]) {
    expect(kinds(found)).toEqual(['day', 'message', 'bubble']);
    const last = found.at(-1);
    expect(last?.kind === 'bubble' && last.notes.map(({ agent }) => agent)).toEqual([
      'finance/advisor_a',
      'finance/executor',
    ]);
  }
});

test('notes without an answer in sight stand together', () => {
  const asked = message('ada', 10);
  const notes = ['finance/advisor_a', 'finance/executor'].map((agent, index) =>
    reply(agent, asked, 'note', 20 + index),
  );
  const found = lines([asked, ...notes]);
  expect(kinds(found)).toEqual(['day', 'message', 'notes']);
});

test('keys are unique', () => {
  const asked = message('ada', 10);
  const found = lines([asked, message('ben', 12), reply('daena', asked, 'answer', 40)], {
    rows: [row('finance/synth', asked, 'answer', 20)],
    readUntil: 11,
  });
  expect(new Set(found.map(({ key }) => key)).size).toBe(found.length);
});

test('where earlier messages are not loaded, the unread line waits for a message that was read', () => {
  const unread = [message('ben', 30), message('ben', 40)];
  expect(kinds(lines(unread, { readUntil: 20, isFromBeginning: false }))).toEqual(['day', 'message', 'message']);
  const loaded = [message('ben', 10), ...unread];
  const found = lines(loaded, { readUntil: 20, isFromBeginning: false });
  expect(kinds(found)).toEqual(['day', 'message', 'unread', 'message', 'message']);
});

test('what arrived late is unread from when it arrived, and stands by itself', () => {
  const late = message('ben', 11);
  const arrived: Entry = { id: id(100 * MINUTE), kind: 'arrived', author: 'office', at: 100 * MINUTE, ids: [late.id] };
  const found = lines([message('ben', 10), late, message('ben', 12), arrived], { readUntil: 50 });
  expect(kinds(found)).toEqual(['day', 'message', 'unread', 'message', 'message']);
  expect(found.flatMap((line) => (line.kind === 'message' ? [line.isGrouped] : []))).toEqual([false, false, true]);
});
