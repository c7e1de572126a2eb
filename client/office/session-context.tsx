import { createContext, useContext } from 'solid-js';
import type { Mention } from '../../sync-server/protocol/entry.ts';
import type { Scope } from '../../sync-server/protocol/scope.ts';
import type { Session } from '../sync/create-session.ts';
import type { Bubble } from './arrange.ts';

/** What the lines of one session's timeline may do. */
export interface SessionContextValue {
  readonly session: Session;
  readonly scope: () => Scope;
  readonly canWrite: () => boolean;
  readonly canModerate: () => boolean;
  readonly editing: () => string | undefined;
  readonly setEditing: (entryId: string | undefined) => void;
  readonly reply: (entryId: string) => void;
  readonly stop: (bubble: Bubble) => void;
  readonly again: (bubble: Bubble) => void;
  readonly edit: (entryId: string, text: string, mentions: readonly Mention[]) => boolean;
  /** The first words of an entry with its author, for a quotation; undefined where it is not on screen. */
  readonly quoteOf: (entryId: string) => { readonly author: string; readonly text: string } | undefined;
  /** Brings an entry into view, and loads it first if need be. */
  readonly show: (entryId: string) => void;
  /** Whether an entry lies further up than what is loaded. */
  readonly isEarlier: (entryId: string) => boolean;
  /** The line whose tools are shown. */
  readonly active: () => string | undefined;
  readonly setActive: (key: string | undefined) => void;
  /** The entry that was asked for by its address. */
  readonly target: () => string | undefined;
  /** Ticks once a second while something on screen counts seconds; ms. */
  readonly now: () => number;
}

export const SessionContext = createContext<SessionContextValue>();

export function useSession(): SessionContextValue {
  const value = useContext(SessionContext);
  if (value === undefined) throw new Error('used outside a session');
  return value;
}
