/** What the office and its projection thread say to each other. One request at a time; each is answered once. */
import type { SessionId } from '../../sync-server/protocol/ids.ts';
import type { CommittedEntries } from './committed-entries.ts';
import type { ProjectedBatch } from './projection.ts';

/** What the thread is begun with. */
export interface ProjectionThreadData {
  readonly databaseFile: string;
  /** Whether what is projected is on the disk before the answer. */
  readonly isSynced: boolean;
}

export interface ProjectionRequest {
  /** The session whose rows are made anew from the batch, which is all that its log holds; null: the batch is added. */
  readonly rebuild: SessionId | null;
  readonly batch: readonly CommittedEntries[];
  /** The office's time, in ms: of what is derived. */
  readonly nowMs: number;
}

export type ProjectionAnswer =
  | { readonly kind: 'ready' }
  /** `workMs`: what it cost, without the wait for the disk. */
  | { readonly kind: 'projected'; readonly result: ProjectedBatch; readonly workMs: number }
  /** Nothing was rebuilt: the database knows more of the session than the batch. */
  | { readonly kind: 'moved' }
  /** Nothing of the batch is there. */
  | { readonly kind: 'failed'; readonly reason: string };
