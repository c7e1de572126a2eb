/**
 * One turn's replica of a segment: a document of its own under the client id of the lease, and a stock provider that
 * carries it to the server. The provider goes on through restarts of the server; what was written meanwhile is sent
 * once, by Yjs's own sync.
 *
 *     joining --synced--> joined <--> away --too long--> ended (away)
 *        \___________________\__ 44xx, nack ___________> ended (over, refused)
 */
import * as decoding from 'lib0/decoding';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import {
  FRAME,
  MAX_FRAME_BYTES,
  type Nack,
  readHello,
  readNack,
  readReceipt,
  SYNC,
} from '../sync-server/protocol/frames.ts';
import { entriesOf } from '../sync-server/protocol/segment.ts';
import type { Lease } from '../sync-server/protocol/worker-link.ts';
import { authorizedSocketClass, socketUrl } from './authorized-socket.ts';

/** How long a turn goes on without its server. */
const MAX_AWAY_MS = 60_000;
/** Reconnects are this far apart at most, each peer with a share of its own, so that they don't come all at once. */
const MAX_BACKOFF_MS = 2_500;

/** Close codes that say: this lease is not in force any more. */
const LEASE_OVER = new Set([4403, 4404, 4409]);

/** Why a peer is of no more use. */
export type PeerEnd =
  | { readonly kind: 'over' }
  | { readonly kind: 'away' }
  | { readonly kind: 'refused'; readonly reason: string };

export interface PeerOptions {
  readonly server: string;
  readonly token: () => string;
  readonly lease: Lease;
  readonly maxAwayMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
}

export class Peer {
  /** Without garbage collection: the gate can tell whose row an item was, but not whose a collected one. */
  readonly doc = new Y.Doc({ gc: false });
  readonly #provider: WebsocketProvider;
  readonly #maxAwayMs: number;
  readonly #now: () => number;
  readonly #ending = new AbortController();
  readonly #waiting = new Set<() => void>();
  #end: PeerEnd | null = null;
  #awayTimer: NodeJS.Timeout | undefined;
  #officeAheadMs = 0;
  /** Everything of ours below this clock is durable. */
  #savedClock = 0;

  /** Begins to join at once. */
  constructor(options: PeerOptions) {
    const { lease } = options;
    this.#maxAwayMs = options.maxAwayMs ?? MAX_AWAY_MS;
    this.#now = options.now ?? Date.now;
    this.doc.clientID = lease.clientId;
    this.#provider = new WebsocketProvider(`${socketUrl(options.server)}/sync`, lease.document, this.doc, {
      connect: false,
      disableBc: true,
      params: { receipts: '1', turn: lease.turn, attempt: String(lease.attempt) },
      WebSocketPolyfill: authorizedSocketClass(options.token, MAX_FRAME_BYTES),
      maxBackoffTime: MAX_BACKOFF_MS * (0.5 + (options.random ?? Math.random)() / 2),
    });
    // An agent shows by its turn; it is nobody's presence.
    this.#provider.awareness.setLocalState(null);
    this.#listen();
    this.#countAway();
    this.#provider.connect();
  }

  /** Aborts when the peer is of no more use; `end` then says why. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  get end(): PeerEnd | null {
    return this.#end;
  }

  /** The office's clock as far as it is known, in ms. */
  officeNow(): number {
    return this.#now() + this.#officeAheadMs;
  }

  /** The newest `at` of the entries in this replica, in ms; 0 where it has none. */
  newestAt(): number {
    let newest = 0;
    for (const entry of entriesOf(this.doc).values()) {
      if (typeof entry !== 'object' || entry === null || !('at' in entry)) continue;
      if (typeof entry.at === 'number' && entry.at > newest) newest = entry.at;
    }
    return newest;
  }

  /**
   * Resolves with whether everything written here so far is durable: false after `timeoutMs`, or where the peer ended
   * or the signal aborted before. Never rejects.
   */
  async saved(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const clock = Y.getState(this.doc.store, this.doc.clientID);
    const stop = AbortSignal.any([signal, this.ended, AbortSignal.timeout(timeoutMs)]);
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (this.#savedClock >= clock || stop.aborted) resolve();
    };
    this.#waiting.add(look);
    stop.addEventListener('abort', look, { once: true });
    look();
    await promise;
    this.#waiting.delete(look);
    return this.#savedClock >= clock;
  }

  /** Leaves the document. Idempotent. */
  close(): void {
    clearTimeout(this.#awayTimer);
    this.#provider.destroy();
    this.doc.destroy();
  }

  #listen(): void {
    const provider = this.#provider;
    provider.on('sync', (isSynced) => {
      if (isSynced) clearTimeout(this.#awayTimer);
    });
    provider.on('status', ({ status }) => {
      if (status === 'disconnected') this.#countAway();
    });
    provider.on('closed', ({ code, reason }) => {
      if (LEASE_OVER.has(code)) this.#finish({ kind: 'over' });
      else this.#finish({ kind: 'refused', reason: `The server closed the document (${code} ${reason}).` });
    });
    const sync = provider.messageHandlers[FRAME.sync];
    provider.messageHandlers[FRAME.sync] = (encoder, decoder, ...rest) =>
      this.#read(() => {
        const clock = clockInStep1(decoder, this.doc.clientID);
        sync?.(encoder, decoder, ...rest);
        // What the server says it has is durable, too: a receipt may have gone down with the server before.
        if (clock !== null) this.#receipt(clock);
      });
    provider.messageHandlers[FRAME.hello] = (_encoder, decoder) =>
      this.#read(() => {
        this.#officeAheadMs = readHello(decoder).time - this.#now();
      });
    provider.messageHandlers[FRAME.receipt] = (_encoder, decoder) =>
      this.#read(() => this.#receipt(readReceipt(decoder).get(this.doc.clientID) ?? 0));
    provider.messageHandlers[FRAME.nack] = (_encoder, decoder) => this.#read(() => this.#nack(readNack(decoder)));
  }

  /** A throw inside the provider's message handler would end the process; a frame that is none ends the peer instead. */
  #read(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.#finish({ kind: 'refused', reason: `The server sent a frame that can't be read: ${String(error)}` });
    }
  }

  #receipt(clock: number): void {
    this.#savedClock = Math.max(this.#savedClock, clock);
    for (const look of this.#waiting) look();
  }

  #nack(nack: Nack): void {
    if (nack.client !== this.doc.clientID) return;
    this.#finish({ kind: 'refused', reason: `The office did not take what was written (${nack.code}).` });
  }

  #countAway(): void {
    clearTimeout(this.#awayTimer);
    this.#awayTimer = setTimeout(() => this.#finish({ kind: 'away' }), this.#maxAwayMs);
  }

  #finish(end: PeerEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#ending.abort();
    this.close();
  }
}

/** A client's clock in the state vector of a SyncStep1, null in other frames. Leaves the decoder where it is. */
function clockInStep1(decoder: decoding.Decoder, client: number): number | null {
  const ahead = decoding.clone(decoder);
  if (decoding.readVarUint(ahead) !== SYNC.step1) return null;
  return Y.decodeStateVector(decoding.readVarUint8Array(ahead)).get(client) ?? 0;
}
