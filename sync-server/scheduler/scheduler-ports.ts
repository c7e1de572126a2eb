import type { SessionRecord } from '../../persistence/projection/session-record.ts';
import type { Entry, ReplyEntry } from '../protocol/entry.ts';
import type { LiveRow } from '../protocol/segment.ts';
import type { ServerMessage, WorkerMessage } from '../protocol/worker-link.ts';

/** What the scheduler needs of the rooms: it never touches a document itself. */
export interface SchedulerRooms {
  /** Reserves a Yjs client id that was never used in the session's live segment; tells which that is, and the newest `at` (ms). */
  prepare(sessionId: string): Promise<{ document: string; clientId: number; newestAt: number }>;
  /**
   * Writes a terminal reply made from the live row as it stands (null: none was begun) and deletes the row, in one
   * change; durable and projected when it resolves. `exists` when the reply is there already: nothing is written then.
   * @param turn where that row is; without a document, the reply goes to the session's live segment
   * @param makeReply gets the `at` that the reply has to carry
   */
  finish(
    turn: { readonly sessionId: string; readonly document: string | null },
    rowId: string,
    makeReply: (row: LiveRow | null, at: number) => ReplyEntry,
  ): Promise<'written' | 'exists'>;
  /** Deletes an abandoned row; answers its text so far, empty where there is no such row. */
  dropRow(document: string, rowId: string): Promise<string>;
}

/** What the scheduler reads of the projection. */
export interface SchedulerSessions {
  get(sessionId: string): SessionRecord | null | undefined;
  /** The newest projected entries of a session, in any order. */
  entries(sessionId: string, options: { newest: number }): readonly Entry[];
  entry(sessionId: string, id: string): Entry | null | undefined;
}

/** The server's end of a worker's socket. Neither method throws. */
export interface WorkerLink {
  send(message: ServerMessage): void;
  close(code: number, reason: string): void;
}

/** What a worker's socket reports to. */
export interface AttachedWorker {
  receive(message: WorkerMessage): void;
  /** The socket is gone. Calling it again changes nothing. */
  closed(): void;
}

/** `error` is logged beside the sentence. */
export type SchedulerLog = (sentence: string, error?: unknown) => void;
