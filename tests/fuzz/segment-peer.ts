import * as decoding from 'lib0/decoding';
import WebSocket from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import type { PersonEntry } from '../../sync-server/protocol/entry.ts';
import { FRAME, type NackCode, readNack, readReceipt, SYNC } from '../../sync-server/protocol/frames.ts';
import { entriesOf, writeEntry } from '../../sync-server/protocol/segment.ts';
import type { Network } from './network.ts';

const MAX_BACKOFF_MS = 200;

/** Where the office is and who calls, as it is at each connection: `OfficeCaller` is one. */
export interface Calling {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface PeerOptions {
  readonly caller: Calling;
  readonly document: string;
  /** False: the provider as it comes, with none of our frames. */
  readonly knowsReceipts: boolean;
  /** Where it is not said, every frame arrives once and in order. */
  readonly network?: Network;
}

/** What a peer tells its device of. */
export interface PeerListener {
  /** An entry came, whoever wrote it; the value is what the document holds. */
  onEntry(id: string, value: unknown): void;
  /** An entry was not taken; null where this peer did not write it. Told once. */
  onRefused(id: string, code: NackCode, own: PersonEntry | null): void;
  /** The server closed the connection for good. */
  onVerdict(code: number): void;
}

interface Written {
  readonly client: number;
  readonly clock: number;
  readonly entry: PersonEntry;
}

/** A stock provider on one segment that outlives the server's deaths: it keeps what it wrote, and what was promised of that. */
export class SegmentPeer {
  readonly #options: PeerOptions;
  readonly #listener: PeerListener;
  readonly #written: Written[] = [];
  readonly #durable = new Map<number, number>();
  readonly #refused = new Set<string>();
  #doc = new Y.Doc();
  #provider: WebsocketProvider;

  constructor(options: PeerOptions, listener: PeerListener, isOnline: boolean) {
    this.#options = options;
    this.#listener = listener;
    this.#provider = this.#open(isOnline);
  }

  #open(isOnline: boolean): WebsocketProvider {
    const { caller, document, knowsReceipts } = this.#options;
    const provider = new WebsocketProvider(`${caller.url.replace(/^http/, 'ws')}/sync`, document, this.#doc, {
      disableBc: true,
      connect: false,
      maxBackoffTime: MAX_BACKOFF_MS,
      params: knowsReceipts ? { receipts: '1' } : {},
      // reason: ws is the browsers' WebSocket in all that the provider uses
      WebSocketPolyfill: this.#socketClass() as unknown as typeof globalThis.WebSocket,
    });
    // The provider knows nothing of our frames; they are read off the socket.
    for (const type of [FRAME.hello, FRAME.receipt, FRAME.nack]) provider.messageHandlers[type] = () => undefined;
    provider.on('connection-close', (event) => {
      if (event && event.code >= 4400 && event.code < 4500) this.#listener.onVerdict(event.code);
    });
    const entries = entriesOf(this.#doc);
    entries.observe(({ keysChanged }) => {
      for (const id of keysChanged) this.#listener.onEntry(id, entries.get(id));
    });
    if (isOnline) provider.connect();
    return provider;
  }

  #socketClass(): new (url: string | URL) => WebSocket {
    const { caller, network } = this.#options;
    const hear = (frame: Uint8Array): void => this.#hear(frame);
    return class SignedSocket extends WebSocket {
      constructor(url: string | URL) {
        super(url, { headers: { ...caller.headers } });
        // reason: the provider asks for array buffers
        this.on('message', (bytes) => hear(new Uint8Array(bytes as ArrayBuffer)));
      }

      override emit(event: string | symbol, ...args: unknown[]): boolean {
        if (event !== 'message' || !network) return super.emit(event, ...args);
        network.carry(() => {
          if (this.readyState === WebSocket.OPEN) super.emit(event, ...args);
        });
        return true;
      }

      override send(bytes: Uint8Array): void {
        if (!network) super.send(bytes);
        else
          network.carry(() => {
            if (this.readyState === WebSocket.OPEN) super.send(bytes);
          });
      }
    };
  }

  #hear(frame: Uint8Array): void {
    const decoder = decoding.createDecoder(frame);
    const type = decoding.readVarUint(decoder);
    if (type === FRAME.nack) {
      const { entry, code } = readNack(decoder);
      if (entry !== null) this.#refuse(entry, code);
    }
    if (type === FRAME.receipt) this.#noteDurable(readReceipt(decoder));
    // The server's step 1 waits for the commit of all that it names, as a receipt does.
    if (type === FRAME.sync && decoding.readVarUint(decoder) === SYNC.step1) {
      this.#noteDurable(Y.decodeStateVector(decoding.readVarUint8Array(decoder)));
    }
  }

  /** The server says so again after each connect. */
  #refuse(id: string, code: NackCode): void {
    if (this.#refused.has(id)) return;
    this.#refused.add(id);
    const written = this.#written.find(({ entry }) => entry.id === id);
    this.#listener.onRefused(id, code, written?.entry ?? null);
  }

  #noteDurable(clocks: ReadonlyMap<number, number>): void {
    for (const [client, clock] of clocks) this.#durable.set(client, Math.max(clock, this.#durable.get(client) ?? 0));
  }

  get doc(): Y.Doc {
    return this.#doc;
  }

  get isSynced(): boolean {
    return this.#provider.synced;
  }

  get isConnected(): boolean {
    return this.#provider.wsconnected || this.#provider.wsconnecting;
  }

  /** The entries as one change. */
  write(entries: readonly PersonEntry[]): void {
    this.#doc.transact(() => {
      for (const entry of entries) {
        const client = this.#doc.clientID;
        this.#written.push({ client, clock: Y.getState(this.#doc.store, client), entry });
        writeEntry(this.#doc, entry);
      }
    });
  }

  get written(): readonly PersonEntry[] {
    return this.#written.map(({ entry }) => entry);
  }

  /** Of its own entries those up to which the server said that all is durable. */
  get promised(): readonly PersonEntry[] {
    return this.#written.flatMap(({ client, clock, entry }) =>
      clock < (this.#durable.get(client) ?? 0) ? [entry] : [],
    );
  }

  /** Sends bytes as one frame past the provider, if it is connected. */
  sendRaw(frame: Uint8Array): void {
    if (this.#provider.wsconnected) this.#provider.ws?.send(new Uint8Array(frame));
  }

  /** A connection that breaks from here on stays broken. */
  stayAway(): void {
    this.#provider.shouldConnect = false;
  }

  disconnect(): void {
    this.#provider.disconnect();
  }

  connect(): void {
    this.#provider.connect();
  }

  /** The page is loaded again: what is held is kept, under a new client id from here on. */
  reload(): void {
    const kept = this.#doc;
    const isOnline = this.#provider.shouldConnect;
    this.#provider.destroy();
    this.#doc = new Y.Doc();
    Y.applyUpdate(this.#doc, Y.encodeStateAsUpdate(kept));
    kept.destroy();
    this.#provider = this.#open(isOnline);
  }

  leave(): void {
    this.#provider.destroy();
    this.#doc.destroy();
  }
}
