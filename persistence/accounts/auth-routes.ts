import { z } from 'zod';
import { OFFICE_ERRORS, type OfficeErrorCode } from '../../sync-server/protocol/errors.ts';
import { type Auth, REMOTE_ADDRESS_HEADER } from './auth.ts';

/** The routes of better-auth that browsers need; every other is closed. */
const ROUTES: ReadonlySet<string> = new Set([
  'POST /api/auth/sign-in/email',
  'POST /api/auth/sign-out',
  'GET /api/auth/get-session',
  'GET /api/auth/list-sessions',
  'POST /api/auth/revoke-session',
  'POST /api/auth/revoke-other-sessions',
  'POST /api/auth/revoke-sessions',
]);

const refusal = z.object({ message: z.string().min(1) });

/** Answers one request under `/api/auth/`; refusals have the office's form `{error: {code, message}}`. */
export async function answerAuthRequest(auth: Auth, request: Request, remoteAddress?: string): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (!ROUTES.has(`${request.method} ${pathname}`)) return refuse('unknown', 'There is nothing at this address.');
  const headers = new Headers(request.headers);
  headers.delete(REMOTE_ADDRESS_HEADER);
  if (remoteAddress !== undefined) headers.set(REMOTE_ADDRESS_HEADER, remoteAddress);
  const response = await auth.handler(new Request(request, { headers }));
  if (response.ok) return response;
  const body = refusal.safeParse(await response.json().catch(() => undefined));
  const code = codeOf(response.status);
  const answer = refuse(code, body.success ? body.data.message : 'This could not be done.');
  const retryAfter = response.headers.get('x-retry-after');
  if (retryAfter !== null) answer.headers.set('retry-after', retryAfter);
  return answer;
}

function codeOf(status: number): OfficeErrorCode {
  switch (status) {
    case 401:
      return 'unauthenticated';
    case 403:
      return 'forbidden';
    case 404:
      return 'unknown';
    case 413:
      return 'too_large';
    case 429:
      return 'too_many';
    default:
      return status < 500 ? 'bad_request' : 'internal';
  }
}

function refuse(code: OfficeErrorCode, message: string): Response {
  return Response.json({ error: { code, message } }, { status: OFFICE_ERRORS[code].status });
}
