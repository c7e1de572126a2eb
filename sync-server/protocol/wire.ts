/** What the API speaks of: messages, sessions, councils, people. snake_case, for callers outside. */
import { z } from 'zod';
import { presetSchema, readEntry } from './entry.ts';
import { roleSchema } from './principal.ts';
import { categorySchema, scopeTypeSchema } from './scope.ts';
import { turnViewSchema } from './turn.ts';

/** ISO 8601 UTC, with milliseconds. */
export const iso = z.string();

export const messageSchema = z.object({
  message_id: z.string(),
  session_id: z.string(),
  role: z.enum(['user', 'assistant', 'system']),
  author_id: z.string(),
  author_name: z.string(),
  agent_id: z.string().optional(),
  content: z.string(),
  model: z.string().optional(),
  tokens: z.int().optional(),
  response_time_ms: z.number().optional(),
  created_at: iso,
  edited_at: iso.optional(),
  deleted: z.boolean().optional(),
  /** What an agent's message is: its answer, a note, a council's position ... */
  step: z.string().optional(),
  /** How an agent's message ended. */
  outcome: z.enum(['done', 'stopped', 'failed']).optional(),
  is_rehearsed: z.boolean().optional(),
  cause: z.string().optional(),
});
export type WireMessage = z.infer<typeof messageSchema>;

export const sessionSchema = z.object({
  session_id: z.string(),
  title: z.string(),
  scope_type: scopeTypeSchema,
  scope_id: z.string().nullable(),
  category: categorySchema,
  owner_id: z.string(),
  is_private: z.boolean(),
  created_at: iso,
  updated_at: iso,
  message_count: z.int(),
  last_message: messageSchema.nullable(),
  /** When a message or answer of somebody other than the reader last came long after it was written; null where none did. */
  late_at: iso.nullable(),
  is_active: z.boolean(),
  documents: z.object({ live: z.string(), brief: z.string() }),
});
export type WireSession = z.infer<typeof sessionSchema>;

/**
 * One segment as a page of history. `entries` are its own and those of other segments that change what they show (edits,
 * retractions, reactions, further versions of replies, late arrivals), in the order of the session: their fold is the
 * page as it is now, and the fold of all pages and the live segment is the timeline.
 */
export const segmentPageSchema = z.object({
  session_id: z.string(),
  segment: z.int(),
  /** Kinds that this version does not know are passed over. */
  entries: z.array(z.unknown()).transform((values) => values.flatMap((value) => readEntry(value) ?? [])),
  /** Whether it has ended: the live segment has not. */
  is_sealed: z.boolean(),
});
export type WireSegmentPage = z.infer<typeof segmentPageSchema>;

export const agentSchema = z.object({
  id: z.string(),
  name: z.string(),
  title: z.string(),
  role: z.string().nullable(),
  expertise: z.string(),
});
export const departmentSchema = z.object({
  slug: z.string(),
  name: z.string(),
  colour: z.string(),
  about: z.string(),
  expertise: z.string(),
  agents: z.array(agentSchema),
});
const expertSchema = z.object({
  id: z.string(),
  name: z.string(),
  title: z.string(),
  agent_id: z.string(),
  enabled: z.boolean(),
});
export const councilSchema = z.object({
  id: z.string(),
  name: z.string(),
  colour: z.string(),
  about: z.string(),
  enabled: z.boolean(),
  experts: z.array(expertSchema),
});
export type WireCouncil = z.infer<typeof councilSchema>;

export const debateSchema = z.object({
  session_id: z.string(),
  council_id: z.string(),
  debate_id: z.string().nullable(),
  topic: z.string().nullable(),
  preset: presetSchema.nullable(),
  state: z.enum(['none', 'running', 'done', 'stopped', 'failed']),
  turns: z.array(turnViewSchema),
  messages: z.array(messageSchema),
  synthesis: z.string().nullable(),
});

export const meSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role: roleSchema,
  office_time: z.number(),
});
export type Me = z.infer<typeof meSchema>;

export const memberSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: roleSchema,
  /** Only the owner and the person themselves see it. */
  email: z.string().optional(),
  disabled: z.boolean(),
  created_at: iso,
});
export type WireMember = z.infer<typeof memberSchema>;
