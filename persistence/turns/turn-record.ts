import { z } from 'zod';
import { parseDocumentName } from '../../sync-server/protocol/document-name.ts';
import { type Step, stepSchema } from '../../sync-server/protocol/entry.ts';
import { type DerivedId, type EntryId, isDerivedId, isEntryId } from '../../sync-server/protocol/ids.ts';
import { agentOf } from '../../sync-server/protocol/organisation.ts';
import { isFinal, type TurnState, type TurnView, turnStateSchema } from '../../sync-server/protocol/turn.ts';

/** How the office ends a turn: the entry that says so is made of it. */
export const endingSchema = z.object({
  outcome: z.enum(['stopped', 'failed']),
  /** The person who stopped it; absent where it was nobody's wish. */
  by: z.string().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type Ending = z.infer<typeof endingSchema>;

/** The exclusive right to work on a turn, as SQLite keeps it. */
export interface HeldLease {
  readonly document: string;
  readonly clientId: number;
  /** In ms since the epoch. */
  readonly expiresAt: number;
}

export interface TurnRecord {
  /** Grows with every turn made: the order of asking. */
  readonly seq: number;
  readonly turn: DerivedId;
  readonly sessionId: string;
  readonly cause: EntryId;
  readonly agent: string;
  readonly step: Step;
  readonly stage: number;
  readonly group: string;
  /** The person who asked. */
  readonly askedBy: string;
  readonly state: TurnState;
  /** The fencing number of the present or last lease; 0 before the first. */
  readonly attempt: number;
  /** How many attempts counted and came to nothing. */
  readonly failures: number;
  readonly lease: HeldLease | null;
  /** The segment of the present or last lease; null before the first. */
  readonly segment: number | null;
  /** The document in which an attempt that is over may have left its live row; null where none can be. */
  readonly leftRowIn: string | null;
  /** Not to be leased before this moment, in ms. */
  readonly retryAt: number;
  /** The longest text that an interrupted attempt left. */
  readonly partial: string;
  readonly model: string | null;
  /** Set from the decision to end it until the entry that says so is projected. Such a turn is not worked on. */
  readonly ending: Ending | null;
  /** Who stopped it, once it is stopped. */
  readonly endedBy: string | null;
  readonly queuedAt: number;
  /** When the present state began, in ms. */
  readonly since: number;
}

const rowSchema = z.object({
  seq: z.number(),
  id: z.string().refine(isDerivedId),
  session_id: z.string(),
  cause: z.string().refine(isEntryId),
  agent: z.string(),
  step: stepSchema,
  stage: z.number(),
  group_id: z.string(),
  asked_by: z.string(),
  state: turnStateSchema,
  attempt: z.number(),
  failures: z.number(),
  document: z.string().nullable(),
  lease_client_id: z.number().nullable(),
  lease_expires_at: z.number().nullable(),
  has_row: z.number(),
  retry_at: z.number(),
  partial: z.string(),
  model: z.string().nullable(),
  ending: z.string().nullable(),
  ended_by: z.string().nullable(),
  queued_at: z.number(),
  since: z.number(),
});

function segmentOf(document: string): number | null {
  const ref = parseDocumentName(document);
  return ref?.kind === 'segment' ? ref.segment : null;
}

/** A turn from its row in SQLite. Throws where the row is not one of this version's. */
export function readTurnRow(value: unknown): TurnRecord {
  const row = rowSchema.parse(value);
  const { document, lease_client_id: clientId, lease_expires_at: expiresAt } = row;
  const lease = document !== null && clientId !== null && expiresAt !== null ? { document, clientId, expiresAt } : null;
  return {
    seq: row.seq,
    turn: row.id,
    sessionId: row.session_id,
    cause: row.cause,
    agent: row.agent,
    step: row.step,
    stage: row.stage,
    group: row.group_id,
    askedBy: row.asked_by,
    state: row.state,
    attempt: row.attempt,
    failures: row.failures,
    lease,
    segment: document === null ? null : segmentOf(document),
    leftRowIn: row.has_row === 1 && lease === null ? document : null,
    retryAt: row.retry_at,
    partial: row.partial,
    model: row.model,
    ending: row.ending === null ? null : endingSchema.parse(JSON.parse(row.ending)),
    endedBy: row.ended_by,
    queuedAt: row.queued_at,
    since: row.since,
  };
}

/**
 * What everyone who may read the session sees of a turn. While it is queued, `attempt` is the one that comes next, so
 * that a stop which crosses its start still means it.
 * @param place from 1, for a queued turn; null for any other
 */
export function viewOf(turn: TurnRecord, place: number | null, waitingFor: string | null): TurnView {
  const isQueued = turn.state === 'queued';
  return {
    turn: turn.turn,
    session_id: turn.sessionId,
    cause: turn.cause,
    agent_id: turn.agent,
    agent_name: agentOf(turn.agent)?.name ?? turn.agent,
    step: turn.step,
    stage: turn.stage,
    attempt: isQueued ? turn.attempt + 1 : turn.attempt,
    state: turn.state,
    place: isQueued ? place : null,
    waiting_for: isFinal(turn.state) ? null : waitingFor,
    model: turn.model,
    segment: turn.segment,
    queued_at: new Date(turn.queuedAt).toISOString(),
    since: new Date(turn.since).toISOString(),
  };
}
