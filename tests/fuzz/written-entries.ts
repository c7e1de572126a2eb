import type { PersonEntry } from '../../sync-server/protocol/entry.ts';
import { makeUlid, ULID_RANDOM_BYTES, type Ulid } from '../../sync-server/protocol/ids.ts';

export type Below = (bound: number) => number;

const EMOJIS = ['👍', '🎉', '❤️'] as const;

export const seededUlid = (nowMs: number, below: Below): Ulid =>
  makeUlid(
    nowMs,
    Uint8Array.from({ length: ULID_RANDOM_BYTES }, () => below(256)),
  );

/** An entry that its author may write after `own`, their earlier ones: mostly messages, now and then a change of one. */
export function nextEntry(author: string, own: readonly PersonEntry[], nowMs: number, below: Below): PersonEntry {
  const common = { id: seededUlid(nowMs, below), author, at: nowMs };
  const messages = own.filter(({ kind }) => kind === 'message');
  const target = messages[below(messages.length || 1)]?.id;
  const kind = below(10);
  if (target === undefined || kind < 6) {
    return { ...common, kind: 'message', body: `message ${common.id}`, mentions: [] };
  }
  if (kind < 8) return { ...common, kind: 'edit', target, body: `edited by ${common.id}`, mentions: [] };
  if (kind < 9) return { ...common, kind: 'react', target, emoji: EMOJIS[below(3)] ?? EMOJIS[0], on: below(3) > 0 };
  return { ...common, kind: 'retract', target };
}
