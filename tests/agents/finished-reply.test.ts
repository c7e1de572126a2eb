import { expect, test } from 'vitest';
import { clip, jsonBytes } from '../../agents/clip.ts';
import { finishedReply } from '../../agents/finished-reply.ts';
import type { Prompt } from '../../agents/prompts/prompt-for.ts';
import { MAX_BODY_CHARS, MAX_ENTRY_BYTES, readEntry } from '../../sync-server/protocol/entry.ts';
import { freshUlid, makeLease } from '../support/leases.ts';

const speaker = { model: 'm', isRehearsed: false, contextTokens: 8192 };
const prompt: Prompt = { messages: [], header: '', entries: [freshUlid()], leftOut: 3, maxAnswerTokens: 100 };
const text = { body: 'Yes.', thinking: '', isCut: false, measures: null };

test('[AG7] a reply is an entry, and says what the agent saw', () => {
  const reply = finishedReply(makeLease(), 5, prompt, { ...speaker, isRehearsed: true }, text);
  expect(readEntry(reply)).toEqual(reply);
  expect(reply).toMatchObject({ at: 5, outcome: 'done', isRehearsed: true });
  expect(reply.saw).toEqual({ entries: prompt.entries, leftOut: 3, contextTokens: 8192 });
  expect(Object.keys(reply)).not.toContain('thinking');
});

test.each([
  ['long Latin text', 'x'.repeat(MAX_BODY_CHARS + 1), 'y'.repeat(MAX_BODY_CHARS)],
  ['long Chinese text', '你'.repeat(MAX_BODY_CHARS), '好'.repeat(MAX_BODY_CHARS)],
  ['characters that JSON writes with six bytes', '\u0001'.repeat(MAX_BODY_CHARS), ''],
  ['faces that take two units', '😀'.repeat(MAX_BODY_CHARS), '😀'.repeat(9_999)],
])('%s fits into an entry', (_name, body, thinking) => {
  const entries = Array.from({ length: 400 }, () => freshUlid());
  const reply = finishedReply(makeLease(), 5, { ...prompt, entries }, speaker, { ...text, body, thinking });
  expect(jsonBytes(reply)).toBeLessThanOrEqual(MAX_ENTRY_BYTES);
  expect(readEntry(reply)).not.toBeNull();
  expect(reply.body.isWellFormed()).toBe(true);
  expect(reply.isCut ?? false).toBe(reply.body.length < body.length);
});

test('a cut never ends inside a character', () => {
  expect(clip('a😀b', 2)).toBe('a');
  expect(clip('a😀b', 3)).toBe('a😀');
});
