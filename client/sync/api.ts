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

function addressOf(route: Route, input: z.infer<typeof callInput>): string {
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
    const route: Route = ROUTES[name];
    const given = callInput.parse(input);
    const answer = await this.#send(addressOf(route, given), route.method, given.body, signal);
    if (!answer.ok) return answer;
    const parsed = route.response.safeParse(answer.value);
    if (!parsed.success) {
      return {
        ok: false,
        error: { status: 200, code: 'version', message: 'The office speaks another version. Reload this page.' },
      };
    }
    // reason: it was just parsed with the very schema that RouteResponse<Name> is the output of
    return { ok: true, value: parsed.data as RouteResponse<Name> };
  }

  signIn(email: string, password: string): Promise<ApiResult<unknown>> {
    return this.#send('/api/auth/sign-in/email', 'POST', { email, password, rememberMe: true });
  }

  signOut(): Promise<ApiResult<unknown>> {
    return this.#send('/api/auth/sign-out', 'POST', {});
  }

  async #send(address: string, method: string, body: unknown, signal?: AbortSignal): Promise<ApiResult<unknown>> {
    const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
    try {
      const response = await this.#fetch(address, {
        method,
        credentials: 'same-origin',
        headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!response.ok) return { ok: false, error: await errorOf(response) };
      return { ok: true, value: await response.json() };
    } catch {
      // fetch rejects with a TypeError or an AbortError that says no more than this.
      return { ok: false, error: UNREACHABLE };
    }
  }
}
