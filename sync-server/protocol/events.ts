/**
 * Events of the office: each is written once, in the transaction that projects its cause, and sent to those who may
 * see its session. `event_id` only grows.
 */
import { z } from 'zod';
import { brainStatusSchema } from './brain.ts';
import { scopeTypeSchema } from './scope.ts';
import { turnViewSchema } from './turn.ts';

/** Events kept for replay. A client that was away longer is told so, and reads the lists anew. */
export const MAX_EVENTS_KEPT = 20_000;

const session = z.object({
  session_id: z.string(),
  title: z.string(),
  scope_type: scopeTypeSchema,
  scope_id: z.string().nullable(),
});
const council = z.object({ council_id: z.string() });
const debate = council.extend({ session_id: z.string() });

const payloads = {
  'chat.message': z.object({
    session_id: z.string(),
    message_id: z.string(),
    sender: z.enum(['user', 'assistant']),
    author_id: z.string(),
    content: z.string(),
    scope_type: scopeTypeSchema,
    scope_id: z.string().nullable(),
    type: z.enum(['daena_chat', 'department_chat', 'agent_chat', 'council_chat', 'general_chat']),
    /** Person ids that the message mentions. */
    mentions: z.array(z.string()),
  }),
  'session.created': session,
  'session.updated': session,
  'session.deleted': session,
  'turn.updated': turnViewSchema,
  'brain.status': brainStatusSchema.extend({ model: z.string().nullable() }),
  'council.created': council,
  'council.updated': council.extend({ enabled: z.boolean() }),
  'council.deleted': council,
  'council.member.updated': council.extend({ expert_id: z.string(), enabled: z.boolean() }),
  'council.debate.started': debate.extend({ topic: z.string() }),
  'council.debate.message': debate.extend({
    expert_id: z.string(),
    expert_name: z.string(),
    sender: z.enum(['user', 'assistant']),
    content: z.string(),
  }),
  'council.debate.synthesized': debate.extend({ synthesis: z.string() }),
} as const;

export type EventType = keyof typeof payloads;
export type EventPayload<Type extends EventType> = z.infer<(typeof payloads)[Type]>;

/** An event that has not been written yet: what happened, and in which session (null: the whole office). */
export type EventDraft = {
  [Type in EventType]: {
    readonly type: Type;
    readonly entityType: 'chat' | 'session' | 'turn' | 'brain' | 'council';
    readonly entityId: string;
    readonly sessionId: string | null;
    readonly payload: EventPayload<Type>;
  };
}[EventType];

/** An event as it travels. The payload's shape follows from `event_type`; see `readEvent`. */
export const eventSchema = z.object({
  event_id: z.int(),
  event_type: z.string(),
  entity_type: z.string(),
  entity_id: z.string(),
  payload: z.unknown(),
  timestamp: z.string(),
});
export type WireEvent = z.infer<typeof eventSchema>;

/** A wire event with its payload read; `type` narrows `payload`. */
export type OfficeEvent = {
  [Type in EventType]: {
    readonly id: number;
    readonly type: Type;
    readonly entityId: string;
    readonly payload: EventPayload<Type>;
    readonly at: string;
  };
}[EventType];

const isEventType = (type: string): type is EventType => Object.hasOwn(payloads, type);

/** The event that a wire event says, or null where this version does not know it. */
export function readEvent(wire: WireEvent): OfficeEvent | null {
  if (!isEventType(wire.event_type)) return null;
  const payload = payloads[wire.event_type].safeParse(wire.payload);
  if (!payload.success) return null;
  // reason: the payload was just read with the schema that belongs to this very type
  return {
    id: wire.event_id,
    type: wire.event_type,
    entityId: wire.entity_id,
    payload: payload.data,
    at: wire.timestamp,
  } as OfficeEvent;
}

/** What the server says on `/ws/events` besides events themselves. */
export const eventStreamSchema = z.union([
  eventSchema,
  /** Events were missed that are no longer kept: read the lists anew. */
  z.object({ gap: z.literal(true), oldest: z.int() }),
  z.object({ event_type: z.literal('pong') }),
]);

/** What a client may say on `/ws/events`. */
export const eventClientSchema = z.object({ type: z.literal('ping') });
