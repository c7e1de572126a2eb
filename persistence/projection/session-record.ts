import type { SessionId } from '../../sync-server/protocol/ids.ts';
import type { SessionGrant } from '../../sync-server/protocol/permission.ts';

/** A session's row: id, scope, owner and privacy are primary; title, counts and times are folded from the entries. */
export interface SessionRecord extends SessionGrant {
  readonly id: SessionId;
  readonly title: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly messageCount: number;
  /** The number of the newest segment. */
  readonly liveSegment: number;
}

/** What of a session is known in the middle of a batch: its counts and times are written once, at the end of it. */
export type SessionFacts = Omit<SessionRecord, 'updatedAt' | 'messageCount' | 'liveSegment'>;
