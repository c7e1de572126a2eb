import * as decoding from 'lib0/decoding';
import WebSocket from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import type { PersonEntry } from '../../sync-server/protocol/entry.ts';
import { FRAME, readNack, readReceipt, SYNC } from '../../sync-server/protocol/frames.ts';
import { entriesOf, writeEntry } from '../../sync-server/protocol/segment.ts';
import type { OfficeCaller } from '../support/office-caller.ts';
import type { Network } from './network.ts';

const MAX_BACKOFF_MS = 200;

interface Written {
  readonly client: number;
  readonly clock: number;
  readonly entry: PersonEntry;
}

export interface DeviceOptions {
  readonly caller: OfficeCaller;
  readonly document: string;
  readonly author: string;
  /** False: the provider as it comes, with none of our frames. */
  readonly knowsReceipts: boolean;
  /** Where it is not said, every frame arrives once and in order. */
  readonly network?: Network;
}

/** A stock provider that outlives the server's deaths: it keeps what it wrote, and what the server promised of that. */
export class Device {
  readonly author: string;
  readonly #options: DeviceOptions;
  readonly #written: Written[] = [];
  readonly #durable = new Map<number, number>();
  /** Everything that it ever held, by entry id, as JSON. */
  readonly seen = new Map<string, string>();
  /** Ids of entries that the server did not take. */
  readonly refused = new Set<string>();
  /** Close codes that end a connection for good: an honest device never hears one. */
  readonly verdicts: number[] = [];
  doc = new Y.Doc();
  #provider: WebsocketProvider;

  constructor(options: DeviceOptions) {
    this.author = options.author;
    this.#options = options;
    this.#provider = this.#connect();
  }

  #connect(): WebsocketProvider {
    const { caller, document, knowsReceipts, network } = this.#options;
    const hear = (frame: Uint8Array): void => this.#hear(frame);
    class SignedSocket extends WebSocket {
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
    }
    const provider = new WebsocketProvider(`${caller.url.replace(/^http/, 'ws')}/sync`, document, this.doc, {
      disableBc: true,
      maxBackoffTime: MAX_BACKOFF_MS,
      params: knowsReceipts ? { receipts: '1' } : {},
      // reason: ws is the browsers' WebSocket in all that the provider uses
      WebSocketPolyfill: SignedSocket as unknown as typeof globalThis.WebSocket,
    });
    // The provider knows nothing of our frames; they are read off the socket.
    for (const type of [FRAME.hello, FRAME.receipt, FRAME.nack]) provider.messageHandlers[type] = () => undefined;
    provider.on('connection-close', (event) => {
      if (event && event.code >= 4400 && event.code < 4500) this.verdicts.push(event.code);
    });
    entriesOf(this.doc).observe((event) => {
      for (const id of event.keysChanged) this.seen.set(id, JSON.stringify(entriesOf(this.doc).get(id)));
    });
    return provider;
  }

  #hear(frame: Uint8Array): void {
    const decoder = decoding.createDecoder(frame);
    const type = decoding.readVarUint(decoder);
    if (type === FRAME.nack) this.refused.add(readNack(decoder).entry ?? '');
    if (type === FRAME.receipt) this.#noteDurable(readReceipt(decoder));
    // The server's step 1 waits for the commit of all that it names, as a receipt does.
    if (type === FRAME.sync && decoding.readVarUint(decoder) === SYNC.step1) {
      this.#noteDurable(Y.decodeStateVector(decoding.readVarUint8Array(decoder)));
    }
  }

  #noteDurable(clocks: ReadonlyMap<number, number>): void {
    for (const [client, clock] of clocks) this.#durable.set(client, Math.max(clock, this.#durable.get(client) ?? 0));
  }

  get isSynced(): boolean {
    return this.#provider.synced;
  }

  get isConnected(): boolean {
    return this.#provider.wsconnected || this.#provider.wsconnecting;
  }

  /** The entries as one change. */
  write(entries: readonly PersonEntry[]): void {
    this.doc.transact(() => {
      for (const entry of entries) {
        const client = this.doc.clientID;
        this.#written.push({ client, clock: Y.getState(this.doc.store, client), entry });
        writeEntry(this.doc, entry);
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

  /** What it holds of the document, by entry id. */
  get held(): ReadonlyMap<string, unknown> {
    return new Map(entriesOf(this.doc).entries());
  }

  /** A connection that breaks from here on stays broken. */
  stayAway(): void {
    this.#provider.shouldConnect = false;
  }

  goOffline(): void {
    this.#provider.disconnect();
  }

  comeBack(): void {
    this.#provider.connect();
  }

  /** The page is loaded again: what the device holds is kept, under a new client id from here on. */
  reload(): void {
    const kept = this.doc;
    this.#provider.destroy();
    this.doc = new Y.Doc();
    Y.applyUpdate(this.doc, Y.encodeStateAsUpdate(kept));
    kept.destroy();
    this.#provider = this.#connect();
  }

  /** Gives another tab of the same browser all that this one holds. */
  shareWith(tab: Device): void {
    Y.applyUpdate(tab.doc, Y.encodeStateAsUpdate(this.doc));
  }

  leave(): void {
    this.#provider.destroy();
    this.doc.destroy();
  }
}
