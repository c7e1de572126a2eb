/**
 * Mounts the protocol's routes: who may call, what they sent, what is answered. A route's implementation sees only
 * validated input and a caller who may call it; whatever it throws becomes one kind of error body.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import type { z } from 'zod';
import type { Caller } from '../caller.ts';
import { type Logger, reasonOf } from '../logger.ts';
import { isLoopbackAddress } from '../origins.ts';
import {
  ROUTES,
  type Route,
  type RouteAccess,
  type RouteName,
  type RouteRequest,
  type RouteResponse,
} from '../protocol/api.ts';
import { OfficeError } from '../protocol/errors.ts';
import type { Person } from '../protocol/principal.ts';

export type App = Hono<{ Bindings: HttpBindings }>;
type RequestContext = Context<{ Bindings: HttpBindings }>;

type AccessOf<Name extends RouteName> = (typeof ROUTES)[Name]['access'];

/** A validated call. `person` is there wherever the route asks for one. */
export type Call<Name extends RouteName> = RouteRequest<Name> & {
  readonly person: AccessOf<Name> extends 'person' | 'owner' ? Person : Person | null;
  readonly headers: Headers;
  /** Headers of the answer, such as `Set-Cookie`. */
  readonly answerHeaders: Headers;
};

/** Answers what the route's schema says, or a whole response where it answers no JSON. */
export type Implementation<Name extends RouteName> = (
  call: Call<Name>,
) => RouteResponse<Name> | Response | Promise<RouteResponse<Name> | Response>;

export type Mount = <Name extends RouteName>(name: Name, implement: Implementation<Name>) => void;

/** How the answers of older callers' contracts begin. */
export const SUCCESS = { success: true } as const;

/** What mounts routes on an app, all with one idea of who calls. */
export function createMount(app: App, caller: Caller, logger: Logger): Mount {
  return (name, implement) => {
    const route: Route = ROUTES[name];
    app.on(route.method, route.path.replace(/\{(\w+)\}/g, ':$1'), async (context) => {
      try {
        const headers = context.req.raw.headers;
        if (route.method !== 'GET') assertOrigin(route.access, headers, caller);
        const person = await caller.person(headers);
        assertAccess(route.access, person, context);
        const answerHeaders = new Headers();
        const call = {
          params: route.params && parse(route.params, context.req.param(), 'path'),
          query: route.query && parse(route.query, context.req.query(), 'query'),
          body: route.body && parse(route.body, await readJson(context), 'body'),
          person,
          headers,
          answerHeaders,
        };
        // reason: built just above from this very route's schemas and access
        const result = await implement(call as unknown as Call<typeof name>);
        if (result instanceof Response) return result;
        answerHeaders.set('cache-control', 'no-store');
        return Response.json(result, { status: route.status ?? 200, headers: answerHeaders });
      } catch (error) {
        return errorResponse(error, logger, route.path);
      }
    });
  };
}

/** The answer to whatever was thrown: a refusal as it is, anything else as `internal`, logged. */
export function errorResponse(error: unknown, logger: Logger, path: string): Response {
  const refusal =
    error instanceof OfficeError ? error : new OfficeError('internal', 'something went wrong here; it is in the log');
  if (refusal !== error || refusal.status >= 500) logger.error('a request failed', { path, reason: reasonOf(error) });
  const headers = new Headers({ 'cache-control': 'no-store' });
  if (refusal.retryAfterSeconds !== undefined) headers.set('retry-after', String(refusal.retryAfterSeconds));
  return Response.json(
    { error: { code: refusal.code, message: refusal.message } },
    { status: refusal.status, headers },
  );
}

function assertOrigin(access: RouteAccess, headers: Headers, caller: Caller): void {
  // Without a cookie and without a page there is nobody's right to borrow.
  const isBare = access === 'anyone' && headers.get('cookie') === null && headers.get('origin') === null;
  // Without either credential the answer is 401, whatever the page.
  const isNobody = access !== 'anyone' && headers.get('cookie') === null && headers.get('authorization') === null;
  if (!isBare && !isNobody) caller.assertOrigin(headers);
}

function assertAccess(access: RouteAccess, person: Person | null, context: RequestContext): void {
  if (access === 'anyone') return;
  if (access === 'person-or-loopback' && isDirectLoopback(context)) return;
  if (!person) throw new OfficeError('unauthenticated', 'sign in first');
  if (access === 'owner' && person.role !== 'owner')
    throw new OfficeError('forbidden', 'only the owner of the office may do this');
}

/** Behind a proxy everyone would look like this machine. */
const isDirectLoopback = (context: RequestContext): boolean =>
  isLoopbackAddress(context.env.incoming.socket.remoteAddress) &&
  context.req.header('x-forwarded-for') === undefined &&
  context.req.header('forwarded') === undefined;

async function readJson(context: RequestContext): Promise<unknown> {
  const text = await context.req.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new OfficeError('bad_request', 'the body is no JSON');
  }
}

function parse(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue && issue.path.length > 0 ? issue.path.join('.') : where;
  throw new OfficeError('bad_request', `${place}: ${issue?.message ?? 'not understood'}`);
}
