/**
 * The standing socket between a worker and the server, `/internal/worker`: one JSON object a message.
 *
 *     worker                          server
 *       hello {slots}           ->
 *                               <-    job (a lease) ... at most `slots` at once
 *       phase, heartbeat        ->
 *                               <-    abort {turn, attempt}
 *       failed | released       ->
 *
 * A finished turn needs no message: the reply entry that the worker writes into the document closes the lease.
 */
import { z } from 'zod';
import { brainStatusSchema } from './brain.ts';
import { presetSchema, stepSchema } from './entry.ts';
import { scopeSchema } from './scope.ts';

/** Bytes of one message on the worker's socket, in either direction. */
export const MAX_WORKER_MESSAGE_BYTES = 1024 * 1024;
/** The newest items of a session that a lease carries; older ones are counted in `leftOut`. */
export const MAX_CONTEXT_ITEMS = 200;

/** One line of what was said so far, folded: versions chosen, edits applied, retracted texts gone. */
export const contextItemSchema = z.object({
  id: z.string(),
  /** Who said it: a person, this agent or another one, the office. */
  role: z.enum(['person', 'agent', 'office']),
  authorId: z.string(),
  authorName: z.string(),
  body: z.string(),
  at: z.number(),
  isRehearsed: z.boolean(),
});
export type ContextItem = z.infer<typeof contextItemSchema>;

export const leaseSchema = z.object({
  turn: z.string(),
  attempt: z.int().positive(),
  sessionId: z.string(),
  sessionTitle: z.string(),
  scope: scopeSchema,
  document: z.string(),
  /** The Yjs client id under which alone this attempt may write. */
  clientId: z.int().nonnegative(),
  rowId: z.string(),
  agent: z.string(),
  step: stepSchema,
  cause: z.string(),
  /** What the agent is asked, as the cause says it: a message's text, a debate's topic. */
  question: z.object({ authorName: z.string(), body: z.string() }),
  /** The conversation before and up to the cause, oldest first. */
  context: z.array(contextItemSchema).max(MAX_CONTEXT_ITEMS),
  leftOut: z.int().nonnegative(),
  /** What the earlier stages of this group brought: notes, positions. Ended ones only; empty bodies left out. */
  material: z.array(z.object({ id: z.string(), agent: z.string(), step: stepSchema, body: z.string() })),
  /** Seats or roles that brought nothing, with the reason. */
  missing: z.array(z.object({ agent: z.string(), reason: z.string() })),
  debate: z.object({ council: z.string(), topic: z.string(), preset: presetSchema }).nullable(),
  /** The newest `at` in the session, in ms: the reply's own comes after it. */
  newestAt: z.number(),
});
export type Lease = z.infer<typeof leaseSchema>;

const leaseRef = { turn: z.string(), attempt: z.int().positive() };

export const workerMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), slots: z.int().min(1).max(64), protocol: z.int() }),
  z.object({ type: z.literal('heartbeat'), leases: z.array(z.object(leaseRef)).max(64) }),
  z.object({ type: z.literal('phase'), ...leaseRef, phase: z.enum(['reading', 'writing']), model: z.string() }),
  /** The attempt failed. `isFinal`: trying again will not help. Otherwise the turn is queued again. */
  z.object({
    type: z.literal('failed'),
    ...leaseRef,
    isFinal: z.boolean(),
    code: z.string().max(60),
    message: z.string().max(1000),
  }),
  /** The attempt can't start now through no fault of the turn (the model is away): queued again, and not counted. */
  z.object({ type: z.literal('released'), ...leaseRef, reason: z.string().max(1000) }),
  z.object({ type: z.literal('brain'), status: brainStatusSchema }),
]);
export type WorkerMessage = z.infer<typeof workerMessageSchema>;

export const serverMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('job'), lease: leaseSchema }),
  /** The lease is over: close the model's request, write nothing more. */
  z.object({ type: z.literal('abort'), ...leaseRef }),
]);
export type ServerMessage = z.infer<typeof serverMessageSchema>;
