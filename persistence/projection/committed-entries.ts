import type { Entry } from '../../sync-server/protocol/entry.ts';
import type { EventDraft } from '../../sync-server/protocol/events.ts';
import type { SessionId } from '../../sync-server/protocol/ids.ts';
import type { SessionFacts } from './session-record.ts';

/** Entries that the update log holds: the only thing that the projection ever reads. */
export interface CommittedEntries {
  readonly document: string;
  readonly sessionId: SessionId;
  readonly segment: number;
  /** The log's clock of the newest record that these entries came in. */
  readonly throughClock: number;
  /** In the order in which they were committed. May repeat what is projected already. */
  readonly entries: readonly Entry[];
  /** When they were committed, in ms. */
  readonly committedAt: number;
}

/** What follows from an entry besides the read model: turns, for one. */
export interface Derivation {
  /**
   * Called once for each newly projected entry, in order, inside the projection's transaction, after the entry's own
   * rows are written. What it writes is committed with them; the events it returns are logged with them.
   */
  entryProjected(entry: Entry, session: SessionFacts): readonly EventDraft[];
}
