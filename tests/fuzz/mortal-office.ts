import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { createLogger } from '../../sync-server/logger.ts';
import { type Office, openOffice } from '../../sync-server/office.ts';
import { TrustedOrigins } from '../../sync-server/origins.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { OWNER } from '../support/office-people.ts';
import { SMALL_SEGMENTS } from './small-segments.ts';

/** What the office says of a disk that does not answer: under a clock that jumps, every one of them seems so. */
const CLOCK_JUMPED = 'the disk is slow';

/**
 * An office in this process that can die: in one step of the event loop its sockets break, and its files are copied as
 * they are on the disk at that moment, torn ends and all. The copy is what the next one opens.
 */
export class MortalOffice {
  readonly clock = new ManualClock();
  readonly #home = mkdtempSync(join(tmpdir(), 'daena-mortal-'));
  readonly #server: Server;
  readonly #port: number;
  /** Those that died finish what they had begun, in files that nobody reads any more. */
  readonly #ghosts: Promise<void>[] = [];
  readonly #sockets = new Set<Duplex>();
  #lives = 0;
  #office: Office | null = null;
  #listener: ReturnType<typeof getRequestListener> | null = null;
  /** Of its log, the errors. */
  readonly errors: string[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    server.on('request', (request, response) => {
      if (this.#listener) void this.#listener(request, response);
      else request.destroy();
    });
    server.on('upgrade', (request, socket, head) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      if (this.#office) this.#office.upgrades.upgrade(request, socket, head);
      else socket.destroy();
    });
  }

  /** With an owner, running. */
  static async open(): Promise<MortalOffice> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // reason: a server that listens on TCP has such an address
    const { port } = server.address() as AddressInfo;
    const mortal = new MortalOffice(server, port);
    const office = await mortal.start();
    await office.accounts.createOwner({ token: null, name: 'owner', ...OWNER });
    cpSync(join(mortal.dataFolder, 'worker.token'), mortal.tokenFile);
    return mortal;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get dataFolder(): string {
    return join(this.#home, String(this.#lives));
  }

  /** What the worker shows: every life has the same, and it is there between them too. */
  get tokenFile(): string {
    return join(this.#home, 'worker.token');
  }

  async start(): Promise<Office> {
    const life = this.#lives;
    const office = await openOffice({
      config: {
        host: '127.0.0.1',
        port: this.#port,
        dataFolder: this.dataFolder,
        tls: null,
        trustedOrigins: [],
        owner: OWNER,
        clientFolder: null,
        durability: 'process',
      },
      version: '0.0.0',
      origins: new TrustedOrigins('http', this.#port, '127.0.0.1', []),
      baseUrl: () => this.url,
      clock: this.clock,
      segmentLimits: SMALL_SEGMENTS,
      logger: createLogger((line) => {
        // One that died may complain as it likes.
        const isError = line.includes('"level":"error"') && !line.includes(CLOCK_JUMPED);
        if (this.#lives === life && isError) this.errors.push(line);
      }),
    });
    office.run();
    this.#office = office;
    this.#listener = getRequestListener(office.app.fetch);
    return office;
  }

  /** Dies. Its data, as a power switch of the process leaves it, is then in `dataFolder`. */
  kill(): void {
    const office = this.#office;
    if (!office) return;
    this.#office = null;
    this.#listener = null;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    const from = this.dataFolder;
    this.#lives++;
    cpSync(from, this.dataFolder, { recursive: true });
    this.#ghosts.push(office.close().finally(() => rmSync(from, { recursive: true, force: true, maxRetries: 5 })));
  }

  async end(): Promise<void> {
    this.kill();
    await Promise.allSettled(this.#ghosts);
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }
}
