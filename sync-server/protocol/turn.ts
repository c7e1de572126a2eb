/**
 * A turn: one agent's work on one cause.
 *
 *     queued -> loading -> reading -> writing -> done
 *        ^         |          |          |
 *        +---------+----------+----------+      interrupted: the lease ran out, or the worker went
 *     any state that is not final -> stopped | failed
 *
 * A turn's id is its reply's id, derived from (session, cause, agent, step): a second turn for the same work is the
 * same turn. Turns of one cause share a group; those of a later stage wait until every turn of the earlier ones is final.
 */
import { z } from 'zod';
import type { Step } from './entry.ts';
import { type DerivedId, deriveId } from './ids.ts';

export const turnStateSchema = z.enum(['queued', 'loading', 'reading', 'writing', 'done', 'stopped', 'failed']);
export type TurnState = z.infer<typeof turnStateSchema>;

export type TurnEvent = 'leased' | 'reading' | 'writing' | 'interrupted' | 'done' | 'stopped' | 'failed';

/** Every state and every event; null: the event changes nothing there. */
export const TURN_MACHINE: Readonly<Record<TurnState, Readonly<Record<TurnEvent, TurnState | null>>>> = {
  queued: {
    leased: 'loading',
    reading: null,
    writing: null,
    interrupted: null,
    done: null,
    stopped: 'stopped',
    failed: 'failed',
  },
  loading: {
    leased: null,
    reading: 'reading',
    writing: 'writing',
    interrupted: 'queued',
    done: 'done',
    stopped: 'stopped',
    failed: 'failed',
  },
  reading: {
    leased: null,
    reading: null,
    writing: 'writing',
    interrupted: 'queued',
    done: 'done',
    stopped: 'stopped',
    failed: 'failed',
  },
  writing: {
    leased: null,
    reading: null,
    writing: null,
    interrupted: 'queued',
    done: 'done',
    stopped: 'stopped',
    failed: 'failed',
  },
  done: { leased: null, reading: null, writing: null, interrupted: null, done: null, stopped: null, failed: null },
  stopped: { leased: null, reading: null, writing: null, interrupted: null, done: null, stopped: null, failed: null },
  failed: { leased: null, reading: null, writing: null, interrupted: null, done: null, stopped: null, failed: null },
};

export const isFinal = (state: TurnState): boolean => state === 'done' || state === 'stopped' || state === 'failed';

/** The state after an event, or null where the event means nothing in this state. */
export const nextTurnState = (state: TurnState, event: TurnEvent): TurnState | null => TURN_MACHINE[state][event];

/** Turns that may be open at once of what one person asked for; what they ask beyond it fails at once. */
export const MAX_OPEN_TURNS_PER_PERSON = 500;
/** Times that a turn may be tried before it fails. */
export const MAX_ATTEMPTS = 3;
/** How long a lease lives without a heartbeat, in ms. */
export const LEASE_MS = 15_000;
/** How often a worker says that it is at work, in ms: three chances within a lease. */
export const HEARTBEAT_MS = 5_000;

/** The id of the turn, and of its reply. */
export const turnIdOf = (sessionId: string, cause: string, agent: string, step: Step): DerivedId =>
  deriveId('reply', sessionId, cause, agent, step);

/** A turn as everyone who may read its session sees it; travels in `turn.updated` and with the session's state. */
export const turnViewSchema = z.object({
  turn: z.string(),
  session_id: z.string(),
  cause: z.string(),
  agent_id: z.string(),
  agent_name: z.string(),
  step: z.string(),
  stage: z.int(),
  attempt: z.int(),
  state: turnStateSchema,
  /** Place in the queue, from 1; null once it is being worked on. */
  place: z.int().nullable(),
  /** Why it waits, for a person ("Ollama does not answer"); null where nothing is wrong. */
  waiting_for: z.string().nullable(),
  model: z.string().nullable(),
  /** The segment in which its live row is, or was; null before its first lease. */
  segment: z.int().nullable(),
  queued_at: z.string(),
  /** When the present state began. */
  since: z.string(),
});
export type TurnView = z.infer<typeof turnViewSchema>;
