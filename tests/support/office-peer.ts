import { once } from 'node:events';
import * as decoding from 'lib0/decoding';
import { onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import type { Entry, PersonEntry } from '../../sync-server/protocol/entry.ts';
import {
  FRAME,
  type Hello,
  helloSchema,
  type Nack,
  nackSchema,
  readReceipt,
  SYNC,
} from '../../sync-server/protocol/frames.ts';
import { entriesOf, readEntries, writeEntry } from '../../sync-server/protocol/segment.ts';
import type { OfficeCaller } from './office-caller.ts';
import { until } from './until.ts';

export interface ConnectOptions {
  readonly doc?: Y.Doc;
  /** Asks for our frames and reads them. */
  readonly receipts?: boolean;
  readonly params?: Readonly<Record<string, string>>;
  /** Headers in place of the caller's own. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A stock y-websocket provider on a document, with what it heard. */
export class OfficePeer {
  readonly doc: Y.Doc;
  readonly provider: WebsocketProvider;
  readonly hellos: Hello[] = [];
  readonly nacks: Nack[] = [];
  /** Durable clocks by client id, as the server said. */
  readonly saved = new Map<number, number>();
  receipts = 0;
  readonly closes: { readonly code: number; readonly reason: string }[] = [];
  /** Types of the frames received, in order. */
  readonly frames: number[] = [];

  constructor(caller: OfficeCaller, document: string, options: ConnectOptions) {
    this.doc = options.doc ?? new Y.Doc();
    const hear = (frame: Uint8Array): void => this.#hear(frame);
    const headersOf = () => options.headers ?? caller.headers;
    class SignedSocket extends WebSocket {
      constructor(url: string | URL) {
        super(url, { headers: { ...headersOf() }, rejectUnauthorized: false });
        // reason: the provider asks for array buffers
        this.on('message', (data) => hear(new Uint8Array(data as ArrayBuffer)));
      }
    }
    this.provider = new WebsocketProvider(`${caller.url.replace(/^http/, 'ws')}/sync`, document, this.doc, {
      disableBc: true,
      connect: false,
      maxBackoffTime: 200,
      params: { ...options.params, ...(options.receipts && { receipts: '1' }) },
      // reason: ws is the browsers' WebSocket in all that the provider uses
      WebSocketPolyfill: SignedSocket as unknown as typeof globalThis.WebSocket,
    });
    this.provider.on('connection-close', (event) => {
      if (event) this.closes.push({ code: event.code, reason: event.reason });
    });
    if (options.receipts) this.#listen();
    this.provider.connect();
    onTestFinished(() => this.leave());
  }

  #hear(frame: Uint8Array): void {
    const decoder = decoding.createDecoder(frame);
    const type = decoding.readVarUint(decoder);
    this.frames.push(type);
    if (type !== FRAME.sync || decoding.readVarUint(decoder) !== SYNC.step1) return;
    // What the server says it has is durable, as what a receipt says: both wait for their commit.
    this.#noteSaved(Y.decodeStateVector(decoding.readVarUint8Array(decoder)));
  }

  #noteSaved(clocks: ReadonlyMap<number, number>): void {
    for (const [client, clock] of clocks) this.saved.set(client, Math.max(clock, this.saved.get(client) ?? 0));
  }

  #listen(): void {
    const { messageHandlers } = this.provider;
    messageHandlers[FRAME.hello] = (_encoder, decoder) => {
      this.hellos.push(helloSchema.parse(JSON.parse(decoding.readVarString(decoder))));
    };
    messageHandlers[FRAME.receipt] = (_encoder, decoder) => {
      this.receipts++;
      this.#noteSaved(readReceipt(decoder));
    };
    messageHandlers[FRAME.nack] = (_encoder, decoder) => {
      this.nacks.push(nackSchema.parse(JSON.parse(decoding.readVarString(decoder))));
    };
  }

  get entries(): Entry[] {
    return readEntries(this.doc);
  }

  has(id: string): boolean {
    return entriesOf(this.doc).has(id);
  }

  write(entry: PersonEntry): void {
    this.doc.transact(() => writeEntry(this.doc, entry));
  }

  /** Whether the server said that all that this replica wrote is durable. */
  get isSaved(): boolean {
    const { clientID, store } = this.doc;
    return (this.saved.get(clientID) ?? 0) >= Y.getState(store, clientID);
  }

  async synced(): Promise<this> {
    await until('the provider synced', () => this.provider.synced);
    return this;
  }

  /** Resolves when the server has dealt with every frame sent so far, and what it said at once has arrived. */
  async roundTrip(): Promise<void> {
    await until('the socket is open', () => this.provider.wsconnected);
    // reason: the socket is the one made above, and ws has pings
    const socket = this.provider.ws as unknown as WebSocket;
    const pong = once(socket, 'pong');
    socket.ping();
    await pong;
  }

  /** Sends bytes as one frame, past the provider. */
  sendRaw(frame: Uint8Array): void {
    this.provider.ws?.send(new Uint8Array(frame));
  }

  async closedWith(code: number): Promise<void> {
    await until(`a close with ${code}, seen ${JSON.stringify(this.closes)}`, () =>
      this.closes.some((close) => close.code === code),
    );
  }

  leave(): void {
    this.provider.destroy();
  }
}

export const connect = (caller: OfficeCaller, document: string, options: ConnectOptions = {}): OfficePeer =>
  new OfficePeer(caller, document, options);

/** What a document holds, in a form that equal documents share. */
export const contentOf = (doc: Y.Doc): string =>
  JSON.stringify([...entriesOf(doc).entries()].sort(([a], [b]) => (a < b ? -1 : 1)));
