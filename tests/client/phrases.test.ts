import { expect, test } from 'vitest';
import { bestMatches } from '../../client/office/directory.ts';
import { duration, listNames, measured, ordinal, phaseOf } from '../../client/office/phrases.ts';
import { backoffMs } from '../../client/sync/backoff.ts';
import { advance, FIRST_USE } from '../../client/sync/read-positions.ts';
import { initials } from '../../client/ui/initials.ts';

test('a phase says what is happening, before any word', () => {
  const view = { state: 'queued', place: 2, waiting_for: null, model: null } as const;
  expect(phaseOf(view)).toBe('Queued 2nd');
  expect(phaseOf({ ...view, waiting_for: 'Ollama does not answer' })).toBe('Queued 2nd, Ollama does not answer');
  expect(phaseOf({ ...view, state: 'loading', place: null, model: 'qwen3:4b' })).toBe('Loading qwen3:4b');
  expect(phaseOf({ ...view, state: 'loading', place: null })).toBe('Loading model');
  expect([1, 2, 3, 4, 11, 21].map(ordinal)).toEqual(['1st', '2nd', '3rd', '4th', '11th', '21st']);
});

test('an answer says what it took', () => {
  const measures = { promptTokens: 10, outputTokens: 312, loadMs: 0, promptMs: 200, outputMs: 11_100, totalMs: 11_400 };
  expect(measured(measures)).toBe('312 tokens, 28 tok/s, 11.4 s');
  expect(duration(125_000)).toBe('2 min 5 s');
});

test('names are listed, shortened and found', () => {
  expect(listNames(['Ada', 'Ben', 'Cid', 'Dan'])).toBe('Ada, Ben and 2 others');
  expect(['The Oracle', 'Ada Lovelace', 'Sales & Business Development', ''].map(initials)).toEqual([
    'O',
    'AL',
    'SD',
    '?',
  ]);
  const names = ['Zoe Accounting', 'Noah DevOps', 'Olivia Frontend'];
  expect(bestMatches(names, 'o', (name) => name, 5)).toEqual(['Olivia Frontend']);
  expect(bestMatches(names, 'dev', (name) => name, 5)).toEqual(['Noah DevOps']);
});

test('waiting between tries grows, is bounded and is never the same for everyone', () => {
  expect(backoffMs(0, 0)).toBe(150);
  expect(backoffMs(0, 1)).toBe(300);
  expect(backoffMs(50, 1)).toBe(8_000);
});

test('a read position only moves forward', () => {
  const positions = { [FIRST_USE]: 1, a: 5 };
  expect(advance(positions, 'a', 4)).toBe(positions);
  expect(advance(positions, 'a', 9)).toEqual({ [FIRST_USE]: 1, a: 9 });
});
