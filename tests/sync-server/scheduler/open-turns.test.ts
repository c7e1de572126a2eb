import { afterEach, beforeEach, expect, test } from 'vitest';
import { MAX_OPEN_TURNS_PER_PERSON } from '../../../sync-server/protocol/turn.ts';
import { flush } from './manual-clock.ts';
import { TestOffice } from './test-office.ts';

const EXECUTIVE = { type: 'executive', id: 'daena' } as const;
const FINANCE = { type: 'department', id: 'finance' } as const;

let office: TestOffice;
beforeEach(() => {
  office = new TestOffice();
});
afterEach(() => office.close());

/** Questions of one turn each, projected together. */
async function ask(author: string, count: number): Promise<void> {
  const session = office.session(EXECUTIVE);
  for (let n = 0; n < count; n++) {
    office.commit(session, { ...office.common(author), kind: 'message', body: `question ${n}`, mentions: [] });
  }
  office.project();
  await flush();
}

const outcomes = () => office.replies().map(({ outcome, error }) => [outcome, error?.code]);

test('[BO12] what one person asks beyond 500 open turns fails at once and says so; what they said is there, and others are answered', async () => {
  await ask('ann', MAX_OPEN_TURNS_PER_PERSON - 1);
  await ask('ann', 1);
  expect(office.turns.mostOpenOfOnePerson()).toBe(MAX_OPEN_TURNS_PER_PERSON);
  expect(outcomes()).toEqual([]);
  await ask('ann', 1);
  expect(outcomes()).toEqual([['failed', 'too_many']]);
  expect(office.turns.openOf('ann')).toHaveLength(MAX_OPEN_TURNS_PER_PERSON);
  const messages = [...office.log.values()].filter(({ entry }) => entry.kind === 'message');
  expect(messages).toHaveLength(MAX_OPEN_TURNS_PER_PERSON + 1);
  await ask('bob', 1);
  expect(office.turns.openOf('bob')).toHaveLength(1);
});

test('[BO12] a question that needs several turns gets all of them or none', async () => {
  await ask('ann', MAX_OPEN_TURNS_PER_PERSON - 5);
  await office.say(office.session(FINANCE), 'ann', 'What do you all say?');
  await flush();
  expect(new Set(outcomes().map(String))).toEqual(new Set(['failed,too_many']));
  expect(outcomes()).toHaveLength(6);
  expect(office.turns.openOf('ann')).toHaveLength(MAX_OPEN_TURNS_PER_PERSON - 5);
  await ask('ann', 5);
  expect(office.turns.openOf('ann')).toHaveLength(MAX_OPEN_TURNS_PER_PERSON);
});
