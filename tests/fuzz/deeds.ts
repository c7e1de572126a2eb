/** What a person does on a device, as the entry that says it. */
import { type Entry, type PersonEntry, readEntry } from '../../sync-server/protocol/entry.ts';
import type { SessionId } from '../../sync-server/protocol/ids.ts';
import { VICE_PRESIDENT } from '../../sync-server/protocol/organisation.ts';
import { turnIdOf } from '../../sync-server/protocol/turn.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import type { Action } from './commands.ts';
import type { Device } from './device.ts';
import type { Below } from './written-entries.ts';

type WithoutSender<Of> = Of extends PersonEntry ? Omit<Of, 'id' | 'author' | 'at'> : never;
/** An entry but for who wrote it, and when. */
export type Content = WithoutSender<PersonEntry>;

const EMOJIS = ['👍', '🎉', '❤️'] as const;

/** Something said; to Daena, if it is a question. */
export const saying = (isQuestion: boolean, below: Below): Content => ({
  kind: 'message',
  body: `message ${below(1_000_000)}`,
  mentions: isQuestion ? [{ type: 'agent', id: VICE_PRESIDENT.id }] : [],
});

/** What refers to something that the device holds at that moment; null where it holds nothing of the kind. */
export function referring(
  action: Extract<Action, { readonly pick: number }>,
  { device, sessionId, below }: { readonly device: Device; readonly sessionId: SessionId; readonly below: Below },
): Content | null {
  const held = [...device.held.values()].flatMap((value) => readEntry(value) ?? []);
  const isOwn = ({ author }: Entry): boolean => author === device.author;
  const messages = held.flatMap((entry) => (entry.kind === 'message' ? [entry] : []));
  const choose = (among: readonly Entry[]): Entry['id'] | null =>
    [...among].sort((a, b) => (a.id < b.id ? -1 : 1))[action.pick % (among.length || 1)]?.id ?? null;
  switch (action.kind) {
    case 'edit': {
      const target = choose(messages.filter(isOwn));
      return target && { kind: 'edit', target, body: `edited ${below(1_000_000)}`, mentions: [] };
    }
    case 'retract': {
      const target = choose(messages.filter(isOwn));
      return target && { kind: 'retract', target };
    }
    case 'react': {
      const target = choose(messages);
      return target && { kind: 'react', target, emoji: EMOJIS[below(EMOJIS.length)] ?? EMOJIS[0], on: action.isOn };
    }
    case 'trespass': {
      // The gate does not take it.
      const target = choose(messages.filter((message) => !isOwn(message)));
      return target && { kind: 'edit', target, body: 'not mine', mentions: [] };
    }
    case 'again': {
      const target = choose(held.filter(({ kind }) => kind === 'reply'));
      return target && { kind: 'again', target };
    }
    case 'stop': {
      const question = choose(messages.filter(({ mentions }) => mentions.length > 0));
      return question && { kind: 'stop', turn: turnIdOf(sessionId, question, VICE_PRESIDENT.id, 'answer'), attempt: 1 };
    }
    default:
      return unreachable(action);
  }
}
