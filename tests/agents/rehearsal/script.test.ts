import { expect, test } from 'vitest';
import { readPrompt } from '../../../agents/rehearsal/prompt-reading.ts';
import { REHEARSAL_LABEL, scriptedAnswer, wordChunks } from '../../../agents/rehearsal/script.ts';

const user = (content: string) => ({ role: 'user', content });
const agent = (content: string) => ({ role: 'assistant', content });
const system = (content: string) => ({ role: 'system', content });

const PROMPT = [
  system('You are Sebastian Budget, Strategy Advisor in Finance & Accounting.\nAnswer briefly.'),
  user('Can we afford a second office?'),
  agent('Perhaps, if rents fall.'),
  user('And what about Lisbon?'),
];

test('an answer is labelled, quotes the question, names the seat and shows the context it was given', () => {
  const answer = scriptedAnswer(PROMPT);
  expect(answer.startsWith(REHEARSAL_LABEL)).toBe(true);
  expect(answer).toContain('And what about Lisbon?');
  expect(answer).toContain('Sebastian Budget');
  expect(answer).toContain('2 earlier messages');
  expect(answer).toContain('Can we afford a second office?');
  expect(answer).toContain('Perhaps, if rents fall.');
});

test('the same prompt gives the same words, another prompt others', () => {
  expect(scriptedAnswer(structuredClone(PROMPT))).toBe(scriptedAnswer(PROMPT));
  expect(scriptedAnswer([...PROMPT, agent('Lisbon is fine.'), user('Why?')])).not.toBe(scriptedAnswer(PROMPT));
});

test('without earlier turns it mentions none', () => {
  expect(scriptedAnswer([user('Hello')])).not.toContain('earlier');
});

test.each(['', 'one', 'two words', ' lead', 'trail \n', '- a\n- b\n\nlast — “quoted”'])(
  'chunks of %j join to the text',
  (text) => {
    expect(wordChunks(text).join('')).toBe(text);
  },
);

test('an answer is streamed in pieces of a word', () => {
  for (const chunk of wordChunks(scriptedAnswer(PROMPT))) expect(chunk.trim().split(/\s+/)).toHaveLength(1);
});

test.each([
  ['You are Alex CodeMaster, the Senior Advisor of Engineering.', 'Alex CodeMaster'],
  ['You are Daena.', 'Daena'],
  ['## Seat\nThe Oracle - sees far ahead\n## Frame\n...', 'The Oracle'],
  ['Seat: The Quant. Protects: the numbers', 'The Quant'],
  ['[Seat]\nYou are The Guardian (risk).', 'The Guardian'],
  ['Be brief.', null],
])('the seat in %j is %s', (content, seat) => {
  expect(readPrompt([system(content), user('x')]).seat).toBe(seat);
});

test('a labelled question is found in a long prompt, a long one is cut', () => {
  expect(readPrompt([user('Frame\nQuestion: Should we move?\nOptions: a, b')]).question).toBe('Should we move?');
  expect(readPrompt([user('x'.repeat(500))]).question.length).toBeLessThanOrEqual(160);
});
