import { expect, test } from 'vitest';
import { plainText } from '../../client/office/plain-text.ts';

test.each([
  ['**Yes**, if _hiring_ slips', 'Yes, if hiring slips'],
  ['# Plan\n\n- one\n- two\n1. three', 'Plan one two three'],
  ['see [the lease](https://example.org) and `rent`', 'see the lease and rent'],
  ['| a | b |\n| --- | --- |\n| 1 | 2 |', 'a b 1 2'],
  ['```ts\nconst x = 1;\n```', 'const x = 1;'],
  ['2 * 3 * 4 and snake_case_name', '2 * 3 * 4 and snake_case_name'],
  ['', ''],
])('a preview shows the words of %j', (markdown, words) => {
  expect(plainText(markdown)).toBe(words);
});
