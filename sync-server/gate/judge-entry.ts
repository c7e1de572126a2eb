import { isDeepStrictEqual } from 'node:util';
import { type Entry, MAX_AHEAD_MS, MAX_ENTRY_BYTES, type PersonEntry, personEntrySchema } from '../protocol/entry.ts';
import type { NackCode } from '../protocol/frames.ts';
import { isUlid } from '../protocol/ids.ts';
import { permission, type SessionAction, type SessionGrant } from '../protocol/permission.ts';
import type { Person } from '../protocol/principal.ts';
import { unreachable } from '../protocol/unreachable.ts';

/** What the gate asks about the session that an entry is for. */
export interface EntryContext {
  readonly grant: SessionGrant;
  readonly nowMs: number;
  /** An entry of the session, wherever it stands; undefined where there is none. */
  find(id: string): Entry | undefined;
  /**
   * Whether an entry that is not here may be on its way to an earlier segment: a device brings what it wrote to each of
   * them over a connection of its own. Only its author can name it then, for nobody can guess the id of what they never saw.
   */
  mayComeLater(id: string): boolean;
  /** Whether the log has lost the entry of this id that `find` answers. Then the same entry is taken once more. */
  isLost?(id: string): boolean;
  /** Whether an entry of so many bytes as JSON may enter this segment: a sealed one takes a bounded rest. */
  fits(sizeBytes: number): boolean;
}

export type EntryVerdict =
  | { readonly kind: 'take'; readonly entry: PersonEntry; readonly sizeBytes: number }
  /** The same entry, word for word, is there already: as good as saved. */
  | { readonly kind: 'same' }
  | { readonly kind: 'refuse'; readonly code: NackCode }
  | { readonly kind: 'forged'; readonly reason: string };

/**
 * Whether a person may add this value under this key.
 * @param key the key it is set under
 * @param value what the peer sent, not looked at yet
 */
export function judgeEntry(person: Person, key: string, value: unknown, context: EntryContext): EntryVerdict {
  const sizeBytes = jsonBytes(value);
  if (sizeBytes === null) return { kind: 'refuse', code: 'shape' };
  if (sizeBytes > MAX_ENTRY_BYTES) return { kind: 'refuse', code: 'size' };
  const parsed = personEntrySchema.safeParse(value);
  if (!parsed.success || !isUlid(key)) return { kind: 'refuse', code: 'shape' };
  const entry = parsed.data;
  if (entry.id !== key) return { kind: 'forged', reason: 'an entry under another key than its id' };
  if (entry.author !== person.id) return { kind: 'forged', reason: 'an entry by another author' };
  const present = context.find(key);
  if (present) {
    if (!isDeepStrictEqual(present, entry)) return { kind: 'refuse', code: 'duplicate' };
    return context.isLost?.(key) ? { kind: 'take', entry, sizeBytes } : { kind: 'same' };
  }
  if (entry.at > context.nowMs + MAX_AHEAD_MS) return { kind: 'refuse', code: 'clock' };
  if (!mayWrite(person, entry, context)) return { kind: 'refuse', code: 'permission' };
  return context.fits(sizeBytes) ? { kind: 'take', entry, sizeBytes } : { kind: 'refuse', code: 'sealed' };
}

/** The size of a value as JSON; null where it is none: Yjs also carries big integers, and any depth. */
function jsonBytes(value: unknown): number | null {
  try {
    return Buffer.byteLength(JSON.stringify(value) ?? '');
  } catch {
    return null;
  }
}

function mayWrite(person: Person, entry: PersonEntry, context: EntryContext): boolean {
  const may = (action: SessionAction): boolean => permission(person, context.grant, action);
  if (!may('write')) return false;
  switch (entry.kind) {
    case 'message':
    case 'react':
      return true;
    case 'edit': {
      const target = context.find(entry.target);
      if (!target) return context.mayComeLater(entry.target);
      return target.kind === 'message' && target.author === person.id;
    }
    case 'retract': {
      const target = context.find(entry.target);
      if (!target) return context.mayComeLater(entry.target);
      if (target.kind !== 'message' && target.kind !== 'reply' && target.kind !== 'debate') return false;
      return target.author === person.id || may('moderate');
    }
    case 'title':
      return may('manage');
    case 'stop':
    case 'again':
    case 'synthesize':
      return may('direct');
    case 'debate':
      return may('direct') && context.grant.scope.type === 'council';
    default:
      return unreachable(entry);
  }
}
