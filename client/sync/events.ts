/**
 * The office's events on one socket:
 *
 *   connecting -> open -> (closed) -> waiting, with backoff and jitter -> connecting ...
 *
 * After a gap in the connection the server replays what was missed since the last event seen.
 */
import { eventStreamSchema, type OfficeEvent, readEvent } from '../../sync-server/protocol/events.ts';
import { backoffMs } from './backoff.ts';

/** How long a connection may take to open before it counts as failed: browsers themselves wait for minutes. */
export const HANDSHAKE_MS = 15_000;
const PING_MS = 20_000;
/** A socket that is silent for this long is dead, whatever the operating system says. */
const SILENCE_MS = 50_000;

export type StreamState = 'connecting' | 'open' | 'waiting' | 'refused';

export interface EventListener {
  /** Every event once, in order. */
  readonly event: (event: OfficeEvent) => void;
  /** Events were missed and will not come: read the lists anew. Also called after the first connection. */
  readonly gap: () => void;
  readonly state: (state: StreamState) => void;
}

export class EventStream {
  readonly #url: string;
  readonly #listener: EventListener;
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setInterval> | undefined;
  #attempt = 0;
  #lastHeardMs = 0;
  #lastEventId: number | undefined;
  #isStopped = false;

  /** @param url of `/ws/events`, without a query */
  constructor(url: string, listener: EventListener) {
    this.#url = url;
    this.#listener = listener;
  }

  start(): void {
    this.#isStopped = false;
    if (this.#socket === null) this.#connect();
  }

  /** Tries at once if it is waiting, for when the browser says that the network is back. */
  nudge(): void {
    if (this.#socket !== null || this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#ping);
    this.#socket?.close();
    this.#socket = null;
  }

  #connect(): void {
    const since = this.#lastEventId;
    const socket = new WebSocket(since === undefined ? this.#url : `${this.#url}?since=${since}`);
    this.#socket = socket;
    this.#listener.state('connecting');
    const handshake = setTimeout(() => socket.close(), HANDSHAKE_MS);
    socket.onopen = () => {
      clearTimeout(handshake);
      this.#attempt = 0;
      this.#lastHeardMs = Date.now();
      this.#listener.state('open');
      if (since === undefined) this.#listener.gap();
      clearInterval(this.#ping);
      this.#ping = setInterval(() => this.#keepAlive(socket), PING_MS);
    };
    socket.onmessage = (message) => {
      this.#lastHeardMs = Date.now();
      if (typeof message.data === 'string') this.#read(message.data);
    };
    socket.onclose = (event) => {
      clearTimeout(handshake);
      this.#closed(socket, event.code);
    };
  }

  #keepAlive(socket: WebSocket): void {
    if (Date.now() - this.#lastHeardMs > SILENCE_MS) {
      socket.close();
      this.#closed(socket, 1006);
    } else if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
  }

  #closed(socket: WebSocket, code: number): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    clearInterval(this.#ping);
    if (this.#isStopped) return;
    if (code >= 4400 && code < 4500) {
      this.#listener.state('refused');
      return;
    }
    this.#listener.state('waiting');
    this.#timer = setTimeout(() => this.#connect(), backoffMs(this.#attempt++, Math.random()));
  }

  #read(text: string): void {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      // Not ours; the silence timer ends a socket that says nothing else.
      return;
    }
    const message = eventStreamSchema.safeParse(json);
    if (!message.success) return;
    if ('gap' in message.data) {
      this.#lastEventId = undefined;
      this.#listener.gap();
      return;
    }
    if (!('event_id' in message.data)) return;
    if (this.#lastEventId !== undefined && message.data.event_id <= this.#lastEventId) return;
    this.#lastEventId = message.data.event_id;
    const event = readEvent(message.data);
    if (event) this.#listener.event(event);
  }
}
