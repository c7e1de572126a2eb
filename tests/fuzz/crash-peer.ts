import * as decoding from 'lib0/decoding';
import WebSocket from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import type { PersonEntry } from '../../sync-server/protocol/entry.ts';
import { FRAME, readReceipt, SYNC } from '../../sync-server/protocol/frames.ts';
import { entriesOf, writeEntry } from '../../sync-server/protocol/segment.ts';
import type { OfficeCaller } from '../support/office-caller.ts';

const MAX_BACKOFF_MS = 200;

interface Written {
  readonly client: number;
  readonly clock: number;
  readonly entry: PersonEntry;
}

/** A stock provider that outlives the server's deaths: it keeps what it wrote, and what the server promised of that. */
export class CrashPeer {
  readonly doc = new Y.Doc();
  readonly author: string;
  readonly #provider: WebsocketProvider;
  readonly #written: Written[] = [];
  readonly #durable = new Map<number, number>();
  /** Entries that the server did not take. */
  refusals = 0;

  /** @param knowsReceipts false: as the provider comes, with none of our frames */
  constructor(caller: OfficeCaller, document: string, author: string, knowsReceipts: boolean) {
    this.author = author;
    const hear = (frame: Uint8Array): void => this.#hear(frame);
    class SignedSocket extends WebSocket {
      constructor(url: string | URL) {
        super(url, { headers: { ...caller.headers } });
        // reason: the provider asks for array buffers
        this.on('message', (bytes) => hear(new Uint8Array(bytes as ArrayBuffer)));
      }
    }
    this.#provider = new WebsocketProvider(`${caller.url.replace(/^http/, 'ws')}/sync`, document, this.doc, {
      disableBc: true,
      maxBackoffTime: MAX_BACKOFF_MS,
      params: knowsReceipts ? { receipts: '1' } : {},
      // reason: ws is the browsers' WebSocket in all that the provider uses
      WebSocketPolyfill: SignedSocket as unknown as typeof globalThis.WebSocket,
    });
    // The provider knows nothing of our frames; they are read off the socket.
    for (const type of [FRAME.hello, FRAME.receipt, FRAME.nack]) {
      this.#provider.messageHandlers[type] = () => undefined;
    }
  }

  #hear(frame: Uint8Array): void {
    const decoder = decoding.createDecoder(frame);
    const type = decoding.readVarUint(decoder);
    if (type === FRAME.nack) this.refusals++;
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

  /** Of its own entries those of which the server said that they are durable. */
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

  comeBack(): void {
    this.#provider.connect();
  }

  leave(): void {
    this.#provider.destroy();
    this.doc.destroy();
  }
}
