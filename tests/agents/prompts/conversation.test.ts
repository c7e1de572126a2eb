import { expect, test } from 'vitest';
import { excerptOf } from '../../../agents/prompts/conversation.ts';
import { clipToTokens, estimateTokens } from '../../../agents/prompts/token-estimate.ts';
import { line } from '../../support/leases.ts';

const options = { agent: 'daena', maxTokens: 1_000, isRehearsal: false };

test('every line keeps its name, and the own words are the assistant', () => {
  const items = [
    line({ authorName: 'Masoud', body: 'One' }),
    line({ role: 'agent', authorId: 'daena', authorName: 'Daena', body: 'Two' }),
    line({ role: 'agent', authorId: 'legal/synth', authorName: 'Hannah IP', body: 'Three' }),
    line({ authorId: 'p2', authorName: 'Lena', body: 'Four' }),
  ];
  expect(excerptOf(items, options).messages).toEqual([
    { role: 'user', content: 'Masoud: One' },
    { role: 'assistant', content: 'Two' },
    { role: 'user', content: 'Hannah IP: Three' },
    { role: 'user', content: 'Lena: Four' },
  ]);
});

test('[AG7] the newest stay and the rest is counted', () => {
  const items = Array.from({ length: 50 }, (_, index) => line({ body: `${index} ${'word '.repeat(40)}` }));
  const excerpt = excerptOf(items, options);
  expect(excerpt.entries).toEqual(items.slice(-excerpt.entries.length).map(({ id }) => id));
  expect(excerpt.entries.length).toBeGreaterThan(5);
  expect(excerpt.leftOut).toBe(50 - excerpt.entries.length);
});

test('a single endless line does not push out everything else', () => {
  const excerpt = excerptOf([line({ body: 'first' }), line({ body: 'x'.repeat(20_000) })], options);
  expect(excerpt.leftOut).toBe(0);
  expect(excerpt.messages[1]?.content).toMatch(/\[\.\.\. \d+ more characters\]$/);
});

test('[AG6] rehearsed lines are for the rehearsal model only', () => {
  const items = [line({ role: 'agent', authorId: 'daena', isRehearsed: true }), line()];
  expect(excerptOf(items, options)).toMatchObject({ entries: [items[1]?.id], leftOut: 1 });
  expect(excerptOf(items, { ...options, isRehearsal: true })).toMatchObject({ leftOut: 0 });
});

test('a clipped text takes no more tokens than it may, in any script', () => {
  for (const text of ['word '.repeat(500), '你好'.repeat(500)]) {
    expect(estimateTokens(clipToTokens(text, 100))).toBeLessThanOrEqual(100);
  }
  expect(clipToTokens('short', 100)).toBe('short');
});
