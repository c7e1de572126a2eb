import { hostname, networkInterfaces } from 'node:os';

/**
 * Which pages may act with a person's cookie: those that this server itself serves, and those that the owner named.
 *
 * A name that resolves to this machine is not enough (a hostile page can make one), so besides what was configured only
 * loopback, this machine's own addresses and its host name count.
 */
export class TrustedOrigins {
  readonly #origins: ReadonlySet<string>;

  constructor(scheme: 'http' | 'https', port: number, host: string, configured: readonly string[]) {
    const hosts = new Set(['127.0.0.1', 'localhost', '[::1]', host.includes(':') ? `[${host}]` : host]);
    if (!isLoopbackHost(host)) {
      hosts.add(hostname().toLowerCase());
      for (const address of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
        hosts.add(address.family === 'IPv6' ? `[${address.address.replace(/%.*$/, '')}]` : address.address);
      }
    }
    const own = [...hosts].map((name) => new URL(`${scheme}://${name}:${port}`).origin);
    this.#origins = new Set([...own, ...configured]);
  }

  has(origin: string): boolean {
    return this.#origins.has(origin);
  }

  get all(): readonly string[] {
    return [...this.#origins];
  }
}

export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** Whether a socket's remote address is this machine's own loopback. */
export const isLoopbackAddress = (address: string | undefined): boolean =>
  address !== undefined && isLoopbackHost(address.replace(/^::ffff:/, ''));
