import { describe, expect, test } from 'vitest';
import type { Entry, Mention } from '../../sync-server/protocol/entry.ts';
import { isUlid, makeUlid, ULID_RANDOM_BYTES } from '../../sync-server/protocol/ids.ts';
import { ROLES } from '../../sync-server/protocol/organisation.ts';
import type { Scope } from '../../sync-server/protocol/scope.ts';
import { turnIdOf } from '../../sync-server/protocol/turn.ts';
import { deriveTurns, MAX_ANSWERERS } from '../../sync-server/protocol/who-answers.ts';

const ulid = (n: number) => makeUlid(n, new Uint8Array(ULID_RANDOM_BYTES));
const SESSION = ulid(1);
const MESSAGE = ulid(2);
const entries = new Map<string, Entry>();
const lookup = (id: string) => entries.get(id);

const inSession = (scope: Scope, more: { isBinned?: boolean; writers?: number } = {}) => ({
  id: SESSION,
  scope,
  isBinned: false,
  writers: 1,
  ...more,
});
const message = (mentions: Mention[] = [], replyTo?: string): Entry => ({
  id: MESSAGE,
  author: 'ann',
  at: 1,
  kind: 'message',
  body: 'What now?',
  mentions,
  ...(replyTo !== undefined && isUlid(replyTo) ? { replyTo } : {}),
});
const replyOf = (agent: string, step: 'answer' | 'synthesis' | 'note'): Entry => {
  const id = turnIdOf(SESSION, MESSAGE, agent, step);
  const reply: Entry = {
    id,
    author: agent,
    at: 2,
    kind: 'reply',
    cause: MESSAGE,
    step,
    attempt: 1,
    outcome: 'done',
    body: 'x',
  };
  entries.set(id, reply);
  return reply;
};
const parts = (entry: Entry, session: ReturnType<typeof inSession>) =>
  deriveTurns(entry, session, lookup).map(({ agent, step, stage }) => `${stage} ${agent} ${step}`);

const EXECUTIVE: Scope = { type: 'executive', id: 'daena' };
const FINANCE: Scope = { type: 'department', id: 'finance' };
const GENERAL: Scope = { type: 'general', id: null };
const COUNCIL: Scope = { type: 'council', id: 'finance' };
const WHOLE_FLOW = [
  ...ROLES.filter(({ key }) => key !== 'synth').map(({ key }) => `1 finance/${key} note`),
  '2 finance/synth answer',
];
const agent = (id: string): Mention => ({ type: 'agent', id });

describe('who answers a message', () => {
  test('[TU1] in the executive scope, Daena', () => {
    expect(parts(message([agent('finance/synth')]), inSession(EXECUTIVE))).toEqual(['1 daena answer']);
  });

  test('[TU1] in a department, five notes and then the spokesperson', () => {
    expect(parts(message(), inSession(FINANCE))).toEqual(WHOLE_FLOW);
    expect(parts(message([{ type: 'all', id: 'all' }, agent('daena')]), inSession(FINANCE))).toEqual(WHOLE_FLOW);
    expect(parts(message([{ type: 'department', id: 'finance' }]), inSession(FINANCE))).toEqual(WHOLE_FLOW);
  });

  test('[TU1] in a department, those mentioned alone, each once', () => {
    const mentions = [agent('finance/executor'), agent('daena'), agent('finance/executor'), agent('nobody')];
    expect(parts(message(mentions), inSession(FINANCE))).toEqual(['1 finance/executor answer', '1 daena answer']);
    expect(parts(message([{ type: 'department', id: 'legal' }]), inSession(FINANCE))).toEqual(['1 legal/synth answer']);
  });

  test('[TU1] in an agent chat, that agent', () => {
    expect(parts(message([agent('daena')]), inSession({ type: 'agent', id: 'hr/scout_internal' }))).toEqual([
      '1 hr/scout_internal answer',
    ]);
  });

  test('[TU1] in a general chat, those mentioned, or Daena while one person writes alone', () => {
    const mentions: Mention[] = [
      agent('hr/executor'),
      { type: 'department', id: 'legal' },
      { type: 'person', id: 'bo' },
    ];
    expect(parts(message(mentions), inSession(GENERAL, { writers: 3 }))).toEqual([
      '1 hr/executor answer',
      '1 legal/synth answer',
    ]);
    expect(parts(message(), inSession(GENERAL))).toEqual(['1 daena answer']);
    expect(parts(message(), inSession(GENERAL, { writers: 2 }))).toEqual([]);
  });

  test('[TU1] a reply to an agent mentions it; a reply to a person mentions nobody', () => {
    const reply = replyOf('hr/executor', 'answer');
    const entry = { ...message(), replyTo: reply.id };
    expect(parts(entry, inSession(GENERAL, { writers: 2 }))).toEqual(['1 hr/executor answer']);
    expect(parts(entry, inSession(FINANCE))).toEqual(['1 hr/executor answer']);
    expect(parts(message([], ulid(9)), inSession(GENERAL, { writers: 2 }))).toEqual([]);
  });

  test('[TU1] in a council, nobody, and council seats cannot be mentioned elsewhere', () => {
    expect(parts(message([agent('daena')]), inSession(COUNCIL))).toEqual([]);
    expect(parts(message([agent('council/finance/quant')]), inSession(GENERAL, { writers: 2 }))).toEqual([]);
  });

  test('[TU1] a message asks a bounded number of agents', () => {
    const mentions = ROLES.flatMap(({ key }) => [agent(`hr/${key}`), agent(`legal/${key}`)]);
    expect(parts(message(mentions), inSession(GENERAL))).toHaveLength(MAX_ANSWERERS);
  });

  test('[TU1] in the bin, nobody', () => {
    expect(parts(message(), inSession(EXECUTIVE, { isBinned: true }))).toEqual([]);
  });
});

describe('what else asks', () => {
  const again = (target: Entry): Entry => ({ id: ulid(5), author: 'ann', at: 5, kind: 'again', target: target.id });

  test('[TU1] asking again asks the same agent for the same step, without notes', () => {
    const target = replyOf('finance/synth', 'answer');
    expect(deriveTurns(again(target), inSession(FINANCE), lookup)).toEqual([
      {
        turn: turnIdOf(SESSION, ulid(5), 'finance/synth', 'answer'),
        cause: ulid(5),
        agent: 'finance/synth',
        step: 'answer',
        stage: 1,
        group: ulid(5),
      },
    ]);
    expect(parts(again(replyOf('council/finance/chair', 'synthesis')), inSession(COUNCIL))).toEqual([
      '1 council/finance/chair synthesis',
    ]);
    expect(parts(again(message()), inSession(FINANCE))).toEqual([]);
  });

  const debate = (preset: 'quick' | 'standard', seats: string[]): Entry => ({
    id: ulid(6),
    author: 'ann',
    at: 6,
    kind: 'debate',
    topic: 'Bonds?',
    preset,
    seats,
  });

  test('[TU9] a quick debate: positions, synthesis by the chair, dissent by the first seat', () => {
    expect(parts(debate('quick', ['oracle', 'macro', 'nobody', 'macro']), inSession(COUNCIL))).toEqual([
      '1 council/finance/oracle position',
      '1 council/finance/macro position',
      '2 council/finance/chair synthesis',
      '3 council/finance/oracle dissent',
    ]);
  });

  test('[TU9] a standard debate: two seats look for facts first', () => {
    expect(parts(debate('standard', ['oracle', 'macro', 'quant']), inSession(COUNCIL)).slice(0, 3)).toEqual([
      '1 council/finance/macro note',
      '1 council/finance/quant note',
      '2 council/finance/oracle position',
    ]);
  });

  test('[TU9] a debate needs a council, and two of its seats', () => {
    expect(parts(debate('quick', ['oracle', 'macro']), inSession(FINANCE))).toEqual([]);
    expect(parts(debate('quick', ['oracle', 'nobody']), inSession(COUNCIL))).toEqual([]);
  });

  test('[TU1] edits, retractions, reactions, stops and what agents say ask for nothing', () => {
    const common = { id: ulid(7), author: 'ann', at: 7, target: MESSAGE };
    const quiet: Entry[] = [
      { ...common, kind: 'edit', body: 'Hm', mentions: [agent('daena')] },
      { ...common, kind: 'retract' },
      { ...common, kind: 'react', emoji: '+', on: true },
      { id: ulid(7), author: 'ann', at: 7, kind: 'stop', turn: MESSAGE, attempt: 1 },
      replyOf('daena', 'answer'),
    ].map((entry) => entry as Entry);
    for (const entry of quiet) expect(parts(entry, inSession(EXECUTIVE))).toEqual([]);
  });
});
