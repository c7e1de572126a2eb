import { z } from 'zod';
import {
  errorBodySchema,
  fillPath,
  ROUTES,
  type Route,
  type RouteInput,
  type RouteName,
  type RouteResponse,
} from '../../sync-server/protocol/api.ts';

/** How long a call may take before it counts as unanswered. */
const CALL_TIMEOUT_MS = 20_000;

/** Why a call brought nothing. `status` 0: no answer came at all. `message` is a sentence for a person. */
export interface ApiError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export type ApiResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: ApiError };

const callInput = z.object({
  params: z.record(z.string(), z.string()).optional(),
  query: z.record(z.string(), z.union([z.string(), z.number(), z.undefined()])).optional(),
  body: z.unknown().optional(),
});

const UNREACHABLE: ApiError = { status: 0, code: 'offline', message: 'The office cannot be reached right now.' };

const OTHER_VERSION: ApiError = {
  status: 200,
  code: 'version',
  message: 'The office speaks another version. Reload this page.',
};

function addressOf(route: Route, input: Pick<z.infer<typeof callInput>, 'params' | 'query'>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(input.query ?? {})) if (value !== undefined) query.set(key, String(value));
  const path = fillPath(route.path, input.params ?? {});
  return query.size > 0 ? `${path}?${query}` : path;
}

async function errorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const parsed = errorBodySchema.safeParse(body);
  if (parsed.success) return { status: response.status, ...parsed.data.error };
  const plain = z.object({ message: z.string().min(1) }).safeParse(body);
  return {
    status: response.status,
    code: 'internal',
    message: plain.success ? plain.data.message : `The office answered with an error (${response.status}).`,
  };
}

/** Calls to the office, typed by the route table. Never rejects: what goes wrong is a value. */
export class Api {
  readonly #fetch: typeof fetch;

  constructor(fetcher: typeof fetch) {
    this.#fetch = fetcher;
  }

  async call<Name extends RouteName>(
    name: Name,
    input: RouteInput<Name>,
    signal?: AbortSignal,
  ): Promise<ApiResult<RouteResponse<Name>>> {
    const answer = await this.callIfChanged(name, input, null, signal);
    if (!answer.ok) return answer;
    return answer.value === null ? { ok: false, error: OTHER_VERSION } : { ok: true, value: answer.value.response };
  }

  /** As `call`, with what the office calls the state it answered; null where that is still the one of `etag`. */
  async callIfChanged<Name extends RouteName>(
    name: Name,
    input: RouteInput<Name>,
    etag: string | null,
    signal?: AbortSignal,
  ): Promise<ApiResult<{ readonly response: RouteResponse<Name>; readonly etag: string | null } | null>> {
    const route: Route = ROUTES[name];
    const { params, query, body } = callInput.parse(input);
    const headers: Record<string, string> = etag === null ? {} : { 'if-none-match': etag };
    const answer = await this.#send(addressOf(route, { params, query }), route.method, body, signal, headers);
    if (!answer.ok) return answer;
    if (answer.value === null) return { ok: true, value: null };
    const parsed = route.response.safeParse(answer.value.json);
    if (!parsed.success) return { ok: false, error: OTHER_VERSION };
    // reason: it was just parsed with the very schema that RouteResponse<Name> is the output of
    return { ok: true, value: { response: parsed.data as RouteResponse<Name>, etag: answer.value.etag } };
  }

  signIn(email: string, password: string): Promise<ApiResult<unknown>> {
    return this.#send('/api/auth/sign-in/email', 'POST', { email, password, rememberMe: true });
  }

  signOut(): Promise<ApiResult<unknown>> {
    return this.#send('/api/auth/sign-out', 'POST', {});
  }

  /** Answers null where nothing changed. */
  async #send(
    address: string,
    method: string,
    body: unknown,
    signal?: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ApiResult<{ readonly json: unknown; readonly etag: string | null } | null>> {
    const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
    try {
      const response = await this.#fetch(address, {
        method,
        credentials: 'same-origin',
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (response.status === 304) return { ok: true, value: null };
      if (!response.ok) return { ok: false, error: await errorOf(response) };
      return { ok: true, value: { json: await response.json(), etag: response.headers.get('etag') } };
    } catch {
      // fetch rejects with a TypeError or an AbortError that says no more than this.
      return { ok: false, error: UNREACHABLE };
    }
  }
}
