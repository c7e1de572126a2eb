/**
 * Who is calling, for HTTP and for sockets alike: a person by session cookie (then the page's origin counts) or by API
 * key, or the agent worker by its service token. Everything else is nobody.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Accounts } from '../persistence/accounts/accounts.ts';
import type { TrustedOrigins } from './origins.ts';
import { OfficeError } from './protocol/errors.ts';
import type { Person, Principal } from './protocol/principal.ts';

export class Caller {
  readonly #accounts: Accounts;
  readonly #workerToken: string;
  readonly #origins: TrustedOrigins;

  constructor(accounts: Accounts, workerToken: string, origins: TrustedOrigins) {
    this.#accounts = accounts;
    this.#workerToken = workerToken;
    this.#origins = origins;
  }

  /** Who sent these headers as a person, or null. */
  person(headers: Headers): Promise<Person | null> {
    return this.#accounts.principalOf(headers);
  }

  /** Refuses a request that would act with a cookie from a page that is not ours. */
  assertOrigin(headers: Headers): void {
    if (headers.get('authorization') !== null) return;
    const origin = headers.get('origin');
    if (origin === null || !this.#origins.has(origin)) {
      throw new OfficeError('forbidden', origin ? `the page ${origin} is not trusted` : 'the Origin header is missing');
    }
  }

  /** Who opens a socket. Rejects with `unauthenticated` or `forbidden`. */
  async ofUpgrade(request: IncomingMessage): Promise<Principal> {
    const headers = new Headers();
    for (const name of ['cookie', 'authorization', 'origin'] as const) {
      const value = request.headers[name];
      if (value !== undefined) headers.set(name, value);
    }
    const token = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1];
    if (token !== undefined && this.#isWorkerToken(token)) return { kind: 'worker', id: 'worker' };
    this.assertOrigin(headers);
    const person = await this.#accounts.principalOf(headers);
    if (!person) throw new OfficeError('unauthenticated', 'sign in first');
    return person;
  }

  #isWorkerToken(token: string): boolean {
    const given = Buffer.from(token);
    const expected = Buffer.from(this.#workerToken);
    return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
  }
}
