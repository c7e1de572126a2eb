import { expect, test } from 'vitest';
import { GrowingMarkdown, parseBlock } from '../../client/office/markdown.ts';

function recorded() {
  const parsed: string[] = [];
  const growing = new GrowingMarkdown((source, _isFinished, definitions) => {
    parsed.push(source);
    return parseBlock(source, definitions);
  });
  return { parsed, growing };
}

test('a finished block is never parsed again while the text grows', () => {
  const { parsed, growing } = recorded();
  const text = '# Title\n\nFirst paragraph.\n\nSecond paragraph that keeps growing';
  for (let length = 1; length <= text.length; length++) growing.update(text.slice(0, length), true);
  parsed.length = 0;
  growing.update(`${text} still.`, true);
  expect(parsed).toEqual(['Second paragraph that keeps growing still.']);
});

test('growing letter by letter ends like parsing at once', () => {
  const text =
    'Intro\n\n- one\n- two\n\n  more of two\n\n1. a\n2. b\n\n```ts\nconst x = 1;\n```\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nend';
  const { growing } = recorded();
  for (let length = 1; length < text.length; length++) growing.update(text.slice(0, length), true);
  expect(growing.update(text, false).join('')).toBe(recorded().growing.update(text, false).join(''));
});

test('an open code fence is code from its first line on', () => {
  const { growing } = recorded();
  const html = growing.update('Look:\n\n```ts\nconst a = "**not bold**";', true).at(-1);
  expect(html).toContain('<pre><code class="language-ts">');
  expect(html).not.toContain('<strong>');
});

test('a link definition below its use still makes the link', () => {
  const { growing } = recorded();
  growing.update('See [the plan][p].\n\nMore.\n\n', true);
  const html = growing.update('See [the plan][p].\n\nMore.\n\n[p]: https://example.com\n\nEnd', true).join('');
  expect(html).toContain('<a href="https://example.com">the plan</a>');
});

test('a text that is replaced instead of continued starts anew', () => {
  const { growing } = recorded();
  growing.update('One\n\nTwo\n\nThree', true);
  expect(growing.update('Other', false)).toEqual(['<p>Other</p>\n']);
});

test('typed HTML is shown as it was typed, and an image is a link', () => {
  const html = recorded().growing.update(
    'a <b onclick="x()">bold</b>\n\n<script>alert(1)</script>\n\n![plan](https://x.test/p.png)',
    false,
  );
  expect(html.join('')).not.toMatch(/<(b|script|img)/);
  expect(html.join('')).toContain('&lt;b onclick=&quot;x()&quot;&gt;bold&lt;/b&gt;');
  expect(html.join('')).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(html.join('')).toContain('<a href="https://x.test/p.png">plan</a>');
});
