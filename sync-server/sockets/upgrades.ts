/**
 * The three doors for WebSockets. Every upgrade is accepted and then, where it must be, closed with a code and a reason:
 * a browser never sees the status of a refused upgrade.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Caller } from '../caller.ts';
import type { Clock } from '../clock.ts';
import type { LeaseRegistry } from '../leases.ts';
import { type Logger, reasonOf } from '../logger.ts';
import { parseDocumentName } from '../protocol/document-name.ts';
import { OfficeError } from '../protocol/errors.ts';
import { MAX_FRAME_BYTES, PROTOCOL_VERSION } from '../protocol/frames.ts';
import { permission, type SessionGrant } from '../protocol/permission.ts';
import type { Principal, Worker } from '../protocol/principal.ts';
import { MAX_WORKER_MESSAGE_BYTES } from '../protocol/worker-link.ts';
import type { Rooms } from '../room/rooms.ts';
import type { Tally } from '../tally.ts';
import { closeSocket } from './close-socket.ts';
import { DoorSocket } from './door-socket.ts';
import type { EventStreams } from './event-streams.ts';
import type { HeldSockets } from './held-sockets.ts';
import { MessageFramer } from './message-framer.ts';
import { RateLimiter } from './rate-limiter.ts';
import { serveSyncConnection } from './sync-connection.ts';

const SYNC_PREFIX = '/sync/';

/** A WebSocket, and the stream below it. */
interface Door {
  readonly webSocket: WebSocket;
  readonly stream: Duplex;
}

export interface UpgradesContext {
  readonly caller: Caller;
  readonly rooms: Rooms;
  readonly events: EventStreams;
  readonly leases: LeaseRegistry;
  readonly held: HeldSockets;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly logger: Logger;
  readonly epoch: string;
  grantOf(sessionId: string): SessionGrant | null;
  /** The number of a session's live segment; null where there is no such session. */
  liveSegmentOf(sessionId: string): number | null;
  serveWorker(socket: WebSocket, worker: Worker): void;
}

export class Upgrades {
  readonly #context: UpgradesContext;
  readonly #rates = new RateLimiter();
  readonly #framer = new MessageFramer();
  readonly #sync = doorFor({ maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  readonly #text = doorFor({ maxPayload: MAX_WORKER_MESSAGE_BYTES });

  constructor(context: UpgradesContext) {
    this.#context = context;
  }

  /** Takes an HTTP upgrade. Never rejects. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = URL.parse(request.url ?? '/', 'http://office');
    const path = url?.pathname ?? '/';
    const server = path.startsWith(SYNC_PREFIX) ? this.#sync : this.#text;
    server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#context.held.add(webSocket);
      webSocket.pause();
      this.#serve({ webSocket, stream: socket }, request, path, url?.searchParams ?? new URLSearchParams())
        .catch((error: unknown) => {
          const refusal =
            error instanceof OfficeError ? error : new OfficeError('internal', 'the socket could not be served');
          this.#context.logger.warn('a socket was refused', { path, code: refusal.code, reason: reasonOf(error) });
          closeSocket(webSocket, refusal.closeCode, refusal.message);
        })
        .finally(() => webSocket.resume());
    });
  }

  async #serve(door: Door, request: IncomingMessage, path: string, query: URLSearchParams): Promise<void> {
    const { webSocket: socket } = door;
    const principal = await this.#context.caller.ofUpgrade(request);
    if (socket.readyState !== socket.OPEN) return;
    if (principal.kind === 'person') {
      this.#context.held.giveTo(principal.id, socket, async () => {
        const now = await this.#context.caller.ofUpgrade(request);
        const isSame = now.kind === 'person' && now.role === principal.role;
        if (!isSame) throw new OfficeError('forbidden', 'your access has changed');
      });
    }
    if (path.startsWith(SYNC_PREFIX)) return this.#serveSync(door, principal, path, query);
    if (path === '/ws/events' && principal.kind === 'person') {
      const since = query.get('since');
      this.#context.events.add(socket, principal, since === null ? null : readEventId(since));
      return;
    }
    if (path === '/internal/worker' && principal.kind === 'worker') {
      this.#context.serveWorker(socket, principal);
      return;
    }
    throw new OfficeError('unknown', 'there is no such door');
  }

  async #serveSync(door: Door, principal: Principal, path: string, query: URLSearchParams): Promise<void> {
    const { rooms, leases, clock, tally, logger, epoch } = this.#context;
    const document = decodeName(path.slice(SYNC_PREFIX.length));
    const expected = query.get('as');
    if (expected !== null && expected !== principal.id) {
      throw new OfficeError('unauthenticated', 'somebody else is signed in here now');
    }
    const lease =
      principal.kind === 'worker' ? leases.byTurn(query.get('turn') ?? '', Number(query.get('attempt'))) : undefined;
    this.#assertMayJoin(principal, document, lease !== undefined && lease.document === document);
    await serveSyncConnection({
      socket: door.webSocket,
      stream: door.stream,
      framer: this.#framer,
      document,
      principal,
      lease: lease ?? null,
      knowsReceipts: query.get('receipts') === '1',
      hello: { protocol: PROTOCOL_VERSION, time: clock.now(), epoch, principal: principal.id },
      rooms,
      rates: this.#rates,
      clock,
      tally,
      logger,
    });
  }

  #assertMayJoin(principal: Principal, document: string, hasLease: boolean): void {
    const ref = parseDocumentName(document);
    if (principal.kind === 'worker') {
      if (!hasLease) throw new OfficeError('conflict', 'no lease on this document is in force');
      return;
    }
    const grant = ref ? this.#context.grantOf(ref.sessionId) : null;
    // What a person may not read looks to them like what does not exist.
    if (!ref || !grant || !permission(principal, grant, 'read')) throw new OfficeError('unknown', 'no such document');
    if (ref.kind === 'brief') return;
    // A segment begins to exist when the one before it is sealed.
    const live = this.#context.liveSegmentOf(ref.sessionId) ?? 0;
    if (ref.segment > live) throw new OfficeError('unknown', 'no such document');
  }
}

const doorFor = (options: ServerOptions<typeof DoorSocket>) =>
  new WebSocketServer({ ...options, noServer: true, WebSocket: DoorSocket });

/** A name as the URL carries it; '' where that is no proper URL, and '' is no document's name. */
function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function readEventId(text: string): number {
  const id = Number(text);
  if (!Number.isSafeInteger(id) || id < 0) throw new OfficeError('bad_request', 'since is the number of an event');
  return id;
}
