import type * as decoding from 'lib0/decoding';
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { authorizedSocketClass, socketUrl } from '../../agents/authorized-socket.ts';
import {
  fillPath,
  ROUTES,
  type Route,
  type RouteInput,
  type RouteName,
  type RouteResponse,
} from '../../sync-server/protocol/api.ts';
import { eventStreamSchema, type WireEvent } from '../../sync-server/protocol/events.ts';
import { FRAME, readReceipt } from '../../sync-server/protocol/frames.ts';

/** Bytes of a document that a check joins: it was just made. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** An office as a program sees it from outside: HTTP calls, the stream of events, and documents. */
export class OfficeClient {
  readonly #address: string;
  readonly #key: string;
  readonly #made: string[] = [];

  constructor(address: string, key: string) {
    this.#address = address;
    this.#key = key;
  }

  /** Calls a route. Rejects with the office's own words where it refuses, and where the answer has another shape. */
  async call<Name extends RouteName>(name: Name, input: RouteInput<Name>): Promise<RouteResponse<Name>> {
    const route: Route = ROUTES[name];
    // reason: the parts that this very route has; absent ones are undefined
    const { params, query, body } = input as {
      params?: Record<string, string>;
      query?: Record<string, unknown>;
      body?: unknown;
    };
    const url = new URL(fillPath(route.path, params), this.#address);
    for (const [key, value] of Object.entries(query ?? {}))
      if (value !== undefined) url.searchParams.set(key, String(value));
    const response = await fetch(url, {
      method: route.method,
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`${route.method} ${url.pathname} answered ${response.status}: ${text.slice(0, 300)}`);
    // reason: parsed with the route's own schema
    return route.response.parse(JSON.parse(text)) as RouteResponse<Name>;
  }

  /** Makes a session that `tidy` puts away. */
  async start(input: RouteInput<'startChat'>['body']): Promise<RouteResponse<'startChat'>> {
    const started = await this.call('startChat', { body: { title: 'Smoke test', ...input } });
    this.#made.push(started.session_id);
    return started;
  }

  /** Remembers a session for `tidy`. */
  made(sessionId: string): void {
    this.#made.push(sessionId);
  }

  /** Puts what was made into the bin. */
  async tidy(): Promise<void> {
    for (const id of this.#made) await this.call('binSession', { params: { id } });
  }

  /** A replica of a document through a stock provider, as a browser holds one. */
  join(document: string): Replica {
    return new Replica(`${socketUrl(this.#address)}/sync`, document, this.#key);
  }

  /** Listens to the office's events. */
  listen(since: number | null): EventListener {
    const query = since === null ? '' : `?since=${since}`;
    return new EventListener(`${socketUrl(this.#address)}/ws/events${query}`, this.#key);
  }
}

export class Replica {
  readonly doc = new Y.Doc();
  readonly #provider: WebsocketProvider;
  #savedClock = 0;

  constructor(serverUrl: string, document: string, key: string) {
    this.#provider = new WebsocketProvider(serverUrl, document, this.doc, {
      disableBc: true,
      params: { receipts: '1' },
      WebSocketPolyfill: authorizedSocketClass(() => key, MAX_DOCUMENT_BYTES),
    });
    this.#provider.messageHandlers[FRAME.hello] = () => undefined;
    this.#provider.messageHandlers[FRAME.nack] = () => undefined;
    this.#provider.messageHandlers[FRAME.receipt] = (_, decoder: decoding.Decoder) => {
      this.#savedClock = Math.max(this.#savedClock, readReceipt(decoder).get(this.doc.clientID) ?? 0);
    };
  }

  get isSynced(): boolean {
    return this.#provider.synced;
  }

  /** Whether the office has said that all of this replica's own changes are durable. */
  get isSaved(): boolean {
    return this.#savedClock >= Y.getState(this.doc.store, this.doc.clientID);
  }

  leave(): void {
    this.#provider.destroy();
    this.doc.destroy();
  }
}

export class EventListener {
  readonly events: WireEvent[] = [];
  readonly #socket: WebSocket;
  readonly opened: Promise<void>;

  constructor(url: string, key: string) {
    this.#socket = new WebSocket(url, { headers: { authorization: `Bearer ${key}` } });
    this.opened = new Promise((resolve, reject) => {
      this.#socket.on('open', resolve);
      this.#socket.on('error', reject);
    });
    this.#socket.on('message', (data) => {
      const message = eventStreamSchema.parse(JSON.parse(String(data)));
      if ('event_id' in message) this.events.push(message);
    });
  }

  close(): void {
    this.#socket.close();
  }
}
