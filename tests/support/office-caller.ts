import { Agent, fetch as undiciFetch } from 'undici';
import {
  errorBodySchema,
  fillPath,
  ROUTES,
  type Route,
  type RouteInput,
  type RouteName,
  type RouteResponse,
} from '../../sync-server/protocol/api.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined where it is none. */
  readonly json: unknown;
}

export interface RequestParts {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

// Tests make their own certificates.
const trusting = new Agent({ connect: { rejectUnauthorized: false } });

/** Somebody who calls an office: nobody in particular, a person by cookie, or a program by its key. */
export class OfficeCaller {
  readonly #urlOf: () => string;
  /** What says who is calling; sent with HTTP and sockets alike. */
  readonly credentials: Readonly<Record<string, string>>;

  constructor(urlOf: () => string, credentials: Readonly<Record<string, string>> = {}) {
    this.#urlOf = urlOf;
    this.credentials = credentials;
  }

  get url(): string {
    return this.#urlOf();
  }

  /** The page that a browser would send along with a cookie. */
  get headers(): Record<string, string> {
    return this.credentials.cookie === undefined ? { ...this.credentials } : { origin: this.url, ...this.credentials };
  }

  /** One request, whatever its answer. A body that is a string is sent as it is, anything else as JSON. */
  async request(method: string, path: string, parts: RequestParts = {}): Promise<Answer> {
    const { body } = parts;
    const response = await undiciFetch(`${this.url}${path}`, {
      method,
      headers: {
        ...this.headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...parts.headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      dispatcher: trusting,
    });
    const text = await response.text();
    const headers = new Headers();
    for (const [name, value] of response.headers) headers.append(name, value);
    return { status: response.status, headers, text, json: parse(text) };
  }

  /** A request to a route, with what its schemas say. */
  send<Name extends RouteName>(name: Name, input: RouteInput<Name>, parts: RequestParts = {}): Promise<Answer> {
    const route: Route = ROUTES[name];
    // reason: RouteInput is made of exactly these three parts
    const given = input as { params?: Record<string, string>; query?: Record<string, unknown>; body?: unknown };
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(given.query ?? {}))
      if (value !== undefined) query.set(key, String(value));
    const search = query.size > 0 ? `?${query}` : '';
    const body = given.body ?? parts.body;
    return this.request(route.method, `${fillPath(route.path, given.params)}${search}`, {
      ...parts,
      ...(body !== undefined && { body }),
    });
  }

  /** Calls a route and reads its answer with the route's own schema. Rejects where it is refused, or answers anything else. */
  async call<Name extends RouteName>(name: Name, input: RouteInput<Name>): Promise<RouteResponse<Name>> {
    const route: Route = ROUTES[name];
    const answer = await this.send(name, input);
    if (answer.status !== (route.status ?? 200)) throw new Error(`${name}: ${answer.status} ${answer.text}`);
    // reason: read with the schema that belongs to this very route
    return route.response.parse(answer.json ?? answer.text) as RouteResponse<Name>;
  }

  /** The status and code of a refusal, which must have the form that every refusal has. */
  async refusal<Name extends RouteName>(name: Name, input: RouteInput<Name>, parts?: RequestParts): Promise<string> {
    return refusalOf(await this.send(name, input, parts));
  }
}

/** `404 unknown`, say. Throws where the answer is no refusal of the office. */
export const refusalOf = ({ status, json }: Answer): string => `${status} ${errorBodySchema.parse(json).error.code}`;

/** The `Cookie` line that answers the `Set-Cookie` lines of an answer. */
export const cookieOf = (answer: Answer): string =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
