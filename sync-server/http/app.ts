/** The HTTP side of the office: the API, better-auth's few routes, and the client's files. */

import type { HttpBindings } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Caller } from '../caller.ts';
import type { Logger } from '../logger.ts';
import { MAX_BODY_BYTES } from '../protocol/api.ts';
import { OfficeError } from '../protocol/errors.ts';
import { type App, createMount, errorResponse } from './mount.ts';
import type { OfficeContext } from './office-context.ts';
import { mountChats } from './routes-chats.ts';
import { mountOrganisation } from './routes-councils.ts';
import { mountOffice } from './routes-office.ts';
import { mountPeople } from './routes-people.ts';

export interface AppParts {
  readonly office: OfficeContext;
  readonly caller: Caller;
  readonly logger: Logger;
  readonly version: string;
  /** The built client; null: none is served. */
  readonly clientFolder: string | null;
}

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; script-src 'self'; worker-src 'self'; manifest-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https:; connect-src 'self' ws: wss:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

const API_PATHS = /^\/(api|ws|sync|internal)(\/|$)/;

export function createApp(parts: AppParts): App {
  const { office, caller, logger } = parts;
  const app: App = new Hono<{ Bindings: HttpBindings }>();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.res.headers.set(name, value);
  });
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (context) =>
        errorResponse(
          new OfficeError('too_large', `a body is at most ${MAX_BODY_BYTES} bytes`),
          logger,
          context.req.path,
        ),
    }),
  );
  app.all('/api/auth/*', (context) =>
    office.accounts.handler(context.req.raw, context.env.incoming.socket.remoteAddress),
  );
  const mount = createMount(app, caller, logger);
  mountOffice(mount, office, parts.version);
  mountPeople(mount, office);
  mountChats(mount, office);
  mountOrganisation(mount, office);
  if (parts.clientFolder !== null) serveClient(app, parts.clientFolder);
  app.notFound((context) =>
    errorResponse(new OfficeError('unknown', 'there is nothing here'), logger, context.req.path),
  );
  app.onError((error, context) => errorResponse(error, logger, context.req.path));
  return app;
}

/** The client's files; any other page address is the app itself, which finds its own way. */
function serveClient(app: App, folder: string): void {
  const isForever = (path: string): boolean => path.includes('/assets/');
  app.use('*', async (context, next) => {
    await next();
    if (context.req.method !== 'GET' || context.res.status !== 200 || context.res.headers.has('cache-control')) return;
    context.res.headers.set(
      'cache-control',
      isForever(context.req.path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    );
  });
  app.get('*', serveStatic({ root: folder }));
  app.get('*', async (context, next) => {
    const isPage = !API_PATHS.test(context.req.path) && !/\.\w+$/.test(context.req.path);
    return isPage
      ? serveStatic<{ Bindings: HttpBindings }>({ root: folder, path: 'index.html' })(context, next)
      : next();
  });
}
