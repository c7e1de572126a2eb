import { expect, test } from 'vitest';
import { isBlank, mentionQuery, piecesOf } from '../../client/editor/composed.ts';
import { readDraft, writeDraft } from '../../client/editor/draft.ts';

const penny = { kind: 'agent', id: 'finance/advisor_a', name: 'Penny Wise' };
const pen = { kind: 'person', id: 'u1', name: 'Penny' };

class Shelf {
  readonly values = new Map<string, string>();
  isFull = false;
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    if (this.isFull) throw new Error('QuotaExceededError');
    this.values.set(key, value);
  }
  removeItem(key: string): void {
    this.values.delete(key);
  }
}

test('pieces join to the text, and the longer of two names wins', () => {
  const text = 'Hi @Penny Wise and @Penny, mail a@b.c\nbye';
  const pieces = piecesOf({ text, mentions: [pen, penny] });
  expect(pieces.map((piece) => (piece.kind === 'text' ? piece.text : `@${piece.mention.name}`)).join('')).toBe(text);
  expect(pieces.flatMap((piece) => (piece.kind === 'mention' ? [piece.mention.id] : []))).toEqual([penny.id, pen.id]);
});

test.each([
  ['@', ''],
  ['hello @pen', 'pen'],
  ['hello @Penny Wi', 'Penny Wi'],
  ['(@dev', 'dev'],
  ['a@b', undefined],
  ['no mention', undefined],
  ['@one two three four', undefined],
])('what is asked for in %j is %j', (text, query) => {
  expect(mentionQuery(text)).toBe(query);
});

test('a draft comes back as it was written, with its mentions', () => {
  const shelf = new Shelf();
  const draft = { text: 'Ask @Penny Wise\n\nabout **it** ', mentions: [penny] };
  expect(writeDraft(shelf, 'd', draft)).toBe(true);
  expect(readDraft(shelf, 'd')).toEqual(draft);
});

test('an empty draft leaves nothing behind, an unreadable one is empty, a full device says so', () => {
  const shelf = new Shelf();
  writeDraft(shelf, 'd', { text: 'x', mentions: [] });
  writeDraft(shelf, 'd', { text: '', mentions: [] });
  expect(shelf.values.size).toBe(0);
  shelf.values.set('d', '{"text":1}');
  expect(isBlank(readDraft(shelf, 'd'))).toBe(true);
  shelf.isFull = true;
  expect(writeDraft(shelf, 'd', { text: 'x', mentions: [] })).toBe(false);
});
