import type { Entry } from './protocol/entry.ts';
import type { SessionGrant } from './protocol/permission.ts';

/** Grants kept in memory; the one longest unused goes first. */
const MAX_GRANTS = 2_000;

/**
 * The live grants of sessions. They are asked for with every frame and every event, and hardly ever change: so they are
 * kept, and read anew from the moment an entry that changes them is projected.
 */
export class Grants {
  readonly #read: (sessionId: string) => SessionGrant | null;
  readonly #kept = new Map<string, SessionGrant>();

  /** @param read the grant as SQLite has it; null where there is no such session */
  constructor(read: (sessionId: string) => SessionGrant | null) {
    this.#read = read;
  }

  /** Null where there is no such session. */
  of(sessionId: string): SessionGrant | null {
    const grant = this.#kept.get(sessionId) ?? this.#read(sessionId);
    if (!grant) return null;
    this.#kept.delete(sessionId);
    this.#kept.set(sessionId, grant);
    const oldest = this.#kept.size > MAX_GRANTS ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    return grant;
  }

  /** Takes note of an entry that was projected. */
  entryProjected(sessionId: string, kind: Entry['kind']): void {
    if (kind === 'created' || kind === 'binned' || kind === 'restored') this.#kept.delete(sessionId);
  }

  /** Reads all anew: it is not known which have changed. */
  forget(): void {
    this.#kept.clear();
  }
}
