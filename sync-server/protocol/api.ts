/**
 * Every HTTP route of the office, once: the server validates with these schemas, the OpenAPI document is made of them,
 * and the client's calls are typed by them. snake_case lives on this edge only.
 */
import { z } from 'zod';
import { brainStatusSchema } from './brain.ts';
import { mentionSchema, presetSchema, titleSchema, topicSchema } from './entry.ts';
import { eventSchema } from './events.ts';
import { isUlid } from './ids.ts';
import { roleSchema } from './principal.ts';
import { categorySchema, scopeTypeSchema } from './scope.ts';
import { turnViewSchema } from './turn.ts';
import {
  agentSchema,
  councilSchema,
  debateSchema,
  departmentSchema,
  iso,
  memberSchema,
  meSchema,
  messageSchema,
  segmentPageSchema,
  sessionSchema,
} from './wire.ts';

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;
/** Bytes of a request's body. */
export const MAX_BODY_BYTES = 256 * 1024;

/** Who may call: anyone; a signed-in person; the office's owner; a person or loopback (health detail, metrics). */
export type RouteAccess = 'anyone' | 'person' | 'owner' | 'person-or-loopback';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** With `{name}` for what the path carries. */
  readonly path: string;
  readonly summary: string;
  readonly access: RouteAccess;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly status?: 200 | 201;
  readonly response: z.ZodType;
}

const ulid = z.string().refine(isUlid, 'not a ULID');
const limit = z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT);
const segmentNumber = z
  .string()
  .regex(/^[1-9]\d{0,5}$/, 'not the number of a segment')
  .transform(Number);
const success = z.literal(true);

const sessionList = z.object({ sessions: z.array(sessionSchema), next_cursor: z.string().nullable() });
const oneSession = z.object({ success, session: sessionSchema });
const done = z.object({ success });
const link = z.object({ success, link: z.string(), expires_at: iso });
const credentials = z.object({
  token: z.string().min(1).max(200),
  name: z.string().trim().min(1).max(80),
  email: z.email().max(200),
  password: z.string().min(8, 'a password has at least 8 characters').max(128),
});
const bySession = z.object({ id: ulid });
const bySlug = z.object({ slug: z.string().max(60) });
const byCouncil = z.object({ id: z.string().max(60) });
const byDebate = byCouncil.extend({ sid: ulid });
const startBody = z.object({
  scope_type: scopeTypeSchema,
  scope_id: z.string().max(80).nullish(),
  title: titleSchema.optional(),
  session_id: ulid.optional(),
  /** Open to its creator and these people only. */
  is_private: z.boolean().optional(),
  members: z.array(z.string().max(60)).max(200).optional(),
});
const started = z.object({ success, session_id: z.string(), session: sessionSchema });
const messageBody = z.object({
  content: z.string().trim().min(1).max(20_000),
  mentions: z.array(mentionSchema).max(50).optional(),
  message_id: ulid.optional(),
});

const route = <const R extends Route>(definition: R): R => definition;

export const ROUTES = {
  // --- the office ---
  livez: route({
    method: 'GET',
    path: '/livez',
    summary: 'Is the process alive?',
    access: 'anyone',
    response: z.string(),
  }),
  readyz: route({
    method: 'GET',
    path: '/readyz',
    summary: 'Does it take work?',
    access: 'anyone',
    response: z.string(),
  }),
  health: route({
    method: 'GET',
    path: '/api/v1/health',
    summary: "Each part's state",
    access: 'person-or-loopback',
    response: z.object({
      status: z.enum(['ok', 'degraded']),
      version: z.string(),
      uptime_seconds: z.number(),
      parts: z.record(
        z.string(),
        z.object({ status: z.enum(['ok', 'degraded', 'down']), detail: z.string().optional() }),
      ),
    }),
  }),
  metrics: route({
    method: 'GET',
    path: '/metrics',
    summary: 'Figures for Prometheus',
    access: 'person-or-loopback',
    response: z.string(),
  }),
  openapi: route({
    method: 'GET',
    path: '/api/v1/openapi.json',
    summary: 'This description',
    access: 'anyone',
    response: z.unknown(),
  }),
  brainStatus: route({
    method: 'GET',
    path: '/api/v1/brain/status',
    summary: 'What answers',
    access: 'person',
    response: brainStatusSchema,
  }),
  recentEvents: route({
    method: 'GET',
    path: '/api/v1/events/recent',
    summary: 'Events for a client that was away, oldest first',
    access: 'person',
    query: z.object({ limit, since_event_id: z.coerce.number().int().min(0).optional() }),
    response: z.object({ events: z.array(eventSchema), gap: z.boolean().optional(), oldest: z.int().optional() }),
  }),
  // --- people ---
  officeState: route({
    method: 'GET',
    path: '/api/v1/office',
    summary: 'Whether an owner exists: what the sign-in page needs to know',
    access: 'anyone',
    response: z.object({ has_owner: z.boolean() }),
  }),
  me: route({ method: 'GET', path: '/api/v1/me', summary: 'Who is calling', access: 'person', response: meSchema }),
  createOwner: route({
    method: 'POST',
    path: '/api/v1/owner',
    summary: 'Creates the owner with the one-time token; signs in',
    access: 'anyone',
    status: 201,
    body: credentials,
    response: meSchema,
  }),
  invite: route({
    method: 'POST',
    path: '/api/v1/invites',
    summary: 'A link by which one person joins',
    access: 'owner',
    status: 201,
    body: z.object({ email: z.email().max(200).optional(), role: roleSchema.optional() }),
    response: link,
  }),
  acceptInvite: route({
    method: 'POST',
    path: '/api/v1/invites/accept',
    summary: 'Joins by an invite; signs in',
    access: 'anyone',
    status: 201,
    body: credentials,
    response: meSchema,
  }),
  members: route({
    method: 'GET',
    path: '/api/v1/members',
    summary: 'The people of the office',
    access: 'person',
    response: z.object({ members: z.array(memberSchema) }),
  }),
  updateMember: route({
    method: 'PATCH',
    path: '/api/v1/members/{id}',
    summary: 'Disables or enables a member; disabling closes what they have open',
    access: 'owner',
    params: z.object({ id: z.string().max(60) }),
    body: z.object({ disabled: z.boolean() }),
    response: z.object({ success, member: memberSchema }),
  }),
  resetLink: route({
    method: 'POST',
    path: '/api/v1/members/{id}/reset-link',
    summary: 'A link by which a member sets a new password',
    access: 'owner',
    status: 201,
    params: z.object({ id: z.string().max(60) }),
    response: link,
  }),
  resetPassword: route({
    method: 'POST',
    path: '/api/v1/password/reset',
    summary: 'Sets a new password with a reset token; signs out everywhere',
    access: 'anyone',
    body: z.object({ token: z.string().min(1).max(200), password: credentials.shape.password }),
    response: done,
  }),
  signOutOthers: route({
    method: 'POST',
    path: '/api/v1/me/sign-out-others',
    summary: 'Signs out every other device',
    access: 'person',
    response: done,
  }),
  apiKeys: route({
    method: 'GET',
    path: '/api/v1/me/api-keys',
    summary: "The caller's keys for scripts",
    access: 'person',
    response: z.object({ keys: z.array(z.object({ id: z.string(), name: z.string(), created_at: iso })) }),
  }),
  makeApiKey: route({
    method: 'POST',
    path: '/api/v1/me/api-keys',
    summary: 'Makes a key; it is shown this once',
    access: 'person',
    status: 201,
    body: z.object({ name: z.string().trim().min(1).max(60) }),
    response: z.object({ success, id: z.string(), key: z.string() }),
  }),
  revokeApiKey: route({
    method: 'DELETE',
    path: '/api/v1/me/api-keys/{id}',
    summary: 'Revokes a key',
    access: 'person',
    params: z.object({ id: z.string().max(80) }),
    response: done,
  }),
  // --- chats ---
  startChat: route({
    method: 'POST',
    path: '/api/v1/chat/start',
    summary: 'Makes a session; with a session_id of the caller it can be repeated',
    access: 'person',
    body: startBody,
    response: started,
  }),
  startDaenaChat: route({
    method: 'POST',
    path: '/api/v1/daena/chat/start',
    summary: 'Makes a session with Daena',
    access: 'person',
    body: startBody.omit({ scope_type: true, scope_id: true }),
    response: started,
  }),
  sessions: route({
    method: 'GET',
    path: '/api/v1/chat/sessions',
    summary: 'Sessions, newest activity first',
    access: 'person',
    query: z.object({
      limit,
      cursor: z.string().max(100).optional(),
      scope_type: scopeTypeSchema.optional(),
      scope_id: z.string().max(80).optional(),
      category: categorySchema.optional(),
      q: z.string().max(200).optional(),
      /** `true`: those in the bin. */
      binned: z.enum(['true', 'false']).optional(),
    }),
    response: sessionList,
  }),
  session: route({
    method: 'GET',
    path: '/api/v1/chat/sessions/{id}',
    summary: 'One session, with what its agents are doing',
    access: 'person',
    params: bySession,
    response: oneSession.extend({ turns: z.array(turnViewSchema) }),
  }),
  renameSession: route({
    method: 'PATCH',
    path: '/api/v1/chat/sessions/{id}',
    summary: 'A new title',
    access: 'person',
    params: bySession,
    body: z.object({ title: titleSchema }),
    response: oneSession,
  }),
  binSession: route({
    method: 'DELETE',
    path: '/api/v1/chat/sessions/{id}',
    summary: 'To the bin',
    access: 'person',
    params: bySession,
    response: oneSession,
  }),
  restoreSession: route({
    method: 'POST',
    path: '/api/v1/chat/sessions/{id}/restore',
    summary: 'Out of the bin',
    access: 'person',
    params: bySession,
    response: oneSession,
  }),
  messages: route({
    method: 'GET',
    path: '/api/v1/chat/sessions/{id}/messages',
    summary: 'Messages, ascending; `before` (a message id) is exclusive and pages back',
    access: 'person',
    params: bySession,
    query: z.object({ limit, before: z.string().max(60).optional() }),
    response: z.object({ messages: z.array(messageSchema), next_cursor: z.string().nullable() }),
  }),
  segment: route({
    method: 'GET',
    path: '/api/v1/chat/sessions/{id}/segments/{n}',
    summary: 'A segment as a page of history, with an ETag; 304 where the caller has it',
    access: 'person',
    params: bySession.extend({ n: segmentNumber }),
    response: segmentPageSchema,
  }),
  postMessage: route({
    method: 'POST',
    path: '/api/v1/chat/sessions/{id}/messages',
    summary: 'Appends a message as the caller; answered once it is durable and can be read back',
    access: 'person',
    status: 201,
    params: bySession,
    body: messageBody,
    response: z.object({ success, message: messageSchema }),
  }),
  exportSession: route({
    method: 'GET',
    path: '/api/v1/chat/sessions/{id}/export',
    summary: 'The whole session as JSON or Markdown',
    access: 'person',
    params: bySession,
    query: z.object({ format: z.enum(['json', 'md']).default('json') }),
    response: z.unknown(),
  }),
  search: route({
    method: 'GET',
    path: '/api/v1/chat/search',
    summary: 'Full-text search, best first',
    access: 'person',
    query: z.object({
      q: z.string().trim().min(1).max(200),
      limit,
      scope_type: scopeTypeSchema.optional(),
      scope_id: z.string().max(80).optional(),
    }),
    response: z.object({
      hits: z.array(
        z.object({
          session_id: z.string(),
          session_title: z.string(),
          scope_type: scopeTypeSchema,
          scope_id: z.string().nullable(),
          message_id: z.string(),
          author_name: z.string(),
          /** The place found, the words between U+0002 and U+0003. */
          snippet: z.string(),
          created_at: iso,
        }),
      ),
    }),
  }),
  stopTurn: route({
    method: 'POST',
    path: '/api/v1/turns/{id}/stop',
    summary: 'Stops an agent at once, whatever it is doing',
    access: 'person',
    params: z.object({ id: z.string().max(60) }),
    body: z.object({ attempt: z.int().positive() }),
    response: z.object({ success, turn: turnViewSchema }),
  }),
  // --- the organisation ---
  departments: route({
    method: 'GET',
    path: '/api/v1/departments',
    summary: 'The departments',
    access: 'person',
    response: z.object({ departments: z.array(departmentSchema) }),
  }),
  department: route({
    method: 'GET',
    path: '/api/v1/departments/{slug}',
    summary: 'One department',
    access: 'person',
    params: bySlug,
    response: z.object({ department: departmentSchema }),
  }),
  departmentAgents: route({
    method: 'GET',
    path: '/api/v1/departments/{slug}/agents',
    summary: "A department's agents",
    access: 'person',
    params: bySlug,
    response: z.object({ agents: z.array(agentSchema) }),
  }),
  departmentSessions: route({
    method: 'GET',
    path: '/api/v1/departments/{slug}/chat/sessions',
    summary: "A department's sessions: the same rows as the category's",
    access: 'person',
    params: bySlug,
    query: z.object({ limit, cursor: z.string().max(100).optional() }),
    response: sessionList,
  }),
  // --- councils ---
  councils: route({
    method: 'GET',
    path: '/api/v1/council/list',
    summary: 'The councils',
    access: 'person',
    response: z.object({ councils: z.array(councilSchema) }),
  }),
  council: route({
    method: 'GET',
    path: '/api/v1/council/{id}',
    summary: 'One council',
    access: 'person',
    params: byCouncil,
    response: z.object({ council: councilSchema }),
  }),
  toggleCouncil: route({
    method: 'POST',
    path: '/api/v1/council/{id}/toggle',
    summary: 'Switches a council on or off',
    access: 'owner',
    params: byCouncil,
    response: z.object({ success, council: councilSchema }),
  }),
  toggleExpert: route({
    method: 'POST',
    path: '/api/v1/council/{id}/expert/{eid}/toggle',
    summary: 'Switches a seat on or off',
    access: 'owner',
    params: byCouncil.extend({ eid: z.string().max(60) }),
    response: z.object({ success, council: councilSchema }),
  }),
  startDebate: route({
    method: 'POST',
    path: '/api/v1/council/{id}/debate/start',
    summary: 'Starts a debate in a new session, or in `session_id`',
    access: 'person',
    params: byCouncil,
    body: z.object({ topic: topicSchema, preset: presetSchema.default('quick'), session_id: ulid.optional() }),
    response: z.object({ success, session_id: z.string(), council_id: z.string(), topic: z.string() }),
  }),
  debateMessage: route({
    method: 'POST',
    path: '/api/v1/council/{id}/debate/{sid}/message',
    summary: 'Says something in a debate',
    access: 'person',
    status: 201,
    params: byDebate,
    body: messageBody,
    response: z.object({ success, message: messageSchema }),
  }),
  debate: route({
    method: 'GET',
    path: '/api/v1/council/{id}/debate/{sid}',
    summary: 'The newest debate of a session',
    access: 'person',
    params: byDebate,
    response: debateSchema,
  }),
  synthesizeDebate: route({
    method: 'POST',
    path: '/api/v1/council/{id}/debate/{sid}/synthesize',
    summary: 'Ends the running phase: the chair synthesises what is there',
    access: 'person',
    params: byDebate,
    response: done,
  }),
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
type Of<Name extends RouteName, Part extends 'params' | 'query' | 'body'> =
  (typeof ROUTES)[Name] extends Record<Part, infer S extends z.ZodType> ? S : never;
/** What a caller gives: before defaults. */
export type RouteInput<Name extends RouteName> = ([Of<Name, 'params'>] extends [never]
  ? unknown
  : { params: z.input<Of<Name, 'params'>> }) &
  ([Of<Name, 'query'>] extends [never] ? unknown : { query?: Partial<z.input<Of<Name, 'query'>>> }) &
  ([Of<Name, 'body'>] extends [never] ? unknown : { body: z.input<Of<Name, 'body'>> });
/** What the server gets: validated, defaults filled in; undefined where the route has none. */
export interface RouteRequest<Name extends RouteName> {
  readonly params: [Of<Name, 'params'>] extends [never] ? undefined : z.output<Of<Name, 'params'>>;
  readonly query: [Of<Name, 'query'>] extends [never] ? undefined : z.output<Of<Name, 'query'>>;
  readonly body: [Of<Name, 'body'>] extends [never] ? undefined : z.output<Of<Name, 'body'>>;
}
export type RouteResponse<Name extends RouteName> = z.output<(typeof ROUTES)[Name]['response']>;

/** How every refusal reads. */
export const errorBodySchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** The path of a route with its parameters filled in and escaped. */
export function fillPath(path: string, params: Readonly<Record<string, string>> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}
