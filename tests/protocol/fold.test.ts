import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry, ReplyEntry } from '../../sync-server/protocol/entry.ts';
import { fold } from '../../sync-server/protocol/fold.ts';
import { deriveId, type EntryId } from '../../sync-server/protocol/ids.ts';
import { message, ulid } from '../support/entries.ts';

const common = (author: string, n: number) => ({ id: ulid(n), author, at: 1_000 + n });
const edit = (author: string, n: number, target: EntryId, body: string): Entry => ({
  ...common(author, n),
  kind: 'edit',
  target,
  body,
  mentions: [],
});
const retract = (author: string, n: number, target: EntryId): Entry => ({
  ...common(author, n),
  kind: 'retract',
  target,
});
const react = (author: string, n: number, target: EntryId, on: boolean): Entry => ({
  ...common(author, n),
  kind: 'react',
  target,
  emoji: '👍',
  on,
});
const again = (author: string, n: number, target: EntryId): Entry => ({ ...common(author, n), kind: 'again', target });
const reply = (n: number, cause: EntryId, body: string): ReplyEntry => ({
  id: deriveId('reply', cause),
  kind: 'reply',
  author: 'daena',
  at: 1_000 + n,
  cause,
  step: 'answer',
  attempt: 1,
  outcome: 'done',
  body,
});

const first = reply(2, ulid(1), 'first version');
const story: Entry[] = [
  message('ann', 1),
  first,
  again('ann', 3, first.id),
  reply(4, ulid(3), 'second version'),
  edit('ann', 5, ulid(1), 'better words'),
  edit('bob', 6, ulid(1), 'forged words'),
  react('bob', 7, ulid(1), true),
  react('ann', 8, ulid(1), true),
  react('bob', 9, ulid(1), false),
  message('bob', 10),
  retract('bob', 11, ulid(10)),
  { ...common('ann', 12), kind: 'title', title: 'A title' },
];

describe('the fold', () => {
  test('[FO1] any order of the same entries gives the same timeline', () => {
    const expected = fold(story);
    fc.assert(
      fc.property(fc.shuffledSubarray(story, { minLength: story.length }), (shuffled) => {
        expect(fold(shuffled)).toEqual(expected);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  test('[FO1] entries stand by time, then by id', () => {
    const entries = [message('ann', 3, { at: 5 }), message('ann', 2, { at: 5 }), message('ann', 1, { at: 6 })];
    expect(fold(entries).items.map(({ id }) => id)).toEqual([ulid(2), ulid(3), ulid(1)]);
  });

  test("[FO2] an edit counts only if it is its target's author's; the newest wins", () => {
    expect(fold(story).items[0]).toMatchObject({ body: 'better words', editedAt: 1_005 });
    const twice = [...story, edit('ann', 20, ulid(1), 'final words')];
    expect(fold(twice).items[0]).toMatchObject({ body: 'final words', editedAt: 1_020 });
  });

  test('[FO3] what was taken back keeps its place and loses its text', () => {
    expect(fold(story).items.find(({ id }) => id === ulid(10))).toMatchObject({ isRetracted: true, body: '' });
  });

  test('[FO4] a reaction is set and unset by each person for themselves', () => {
    expect(fold(story).items[0]?.reactions).toEqual([{ emoji: '👍', by: ['ann'] }]);
  });

  test('[FO5] versions stand where the first stood, and the newest is shown', () => {
    const replies = fold(story).items.filter((item) => item.kind === 'reply');
    expect(replies).toHaveLength(1);
    expect(replies[0]).toMatchObject({ id: first.id, reply: { body: 'second version' }, cause: ulid(1) });
    expect(replies[0]?.versions.map(({ body }) => body)).toEqual(['first version', 'second version']);
  });

  test('[FO6] title and bin follow their newest entry', () => {
    const binned: Entry = { id: deriveId('b'), kind: 'binned', author: 'office', at: 2_000, by: 'ann' };
    const restored: Entry = { id: deriveId('r'), kind: 'restored', author: 'office', at: 2_001, by: 'ann' };
    expect(fold(story)).toMatchObject({ title: 'A title', isBinned: false, newestAt: 1_012 });
    expect(fold([...story, binned]).isBinned).toBe(true);
    expect(fold([restored, ...story, binned]).isBinned).toBe(false);
  });

  test('[FO7] what came late carries when it came, by the oldest word, and a sealed segment looks the same', () => {
    const arrived = (n: number, ids: EntryId[]): Entry => ({
      id: deriveId('arrived', n),
      kind: 'arrived',
      author: 'office',
      at: n,
      ids,
    });
    const sealed: Entry = { id: deriveId('sealed'), kind: 'sealed', author: 'office', at: 4_000, next: 2 };
    const { items } = fold([...story, arrived(3_000, [ulid(10)]), arrived(2_500, [ulid(10), ulid(99)]), sealed]);
    expect(items.map(({ id, arrivedAt }) => [id, arrivedAt])).toEqual([
      [ulid(1), null],
      [first.id, null],
      [ulid(10), 2_500],
    ]);
    expect(fold([...story, sealed]).items).toEqual(fold(story).items);
  });
});
