/**
 * The standing socket to the server. It comes back for ever: whoever holds it need not know whether the server is
 * there, only that `onOpen` is called for each new connection.
 */
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket, { type RawData } from 'ws';
import {
  MAX_WORKER_MESSAGE_BYTES,
  type ServerMessage,
  serverMessageSchema,
  type WorkerMessage,
} from '../sync-server/protocol/worker-link.ts';
import { authorizedOptions, socketUrl } from './authorized-socket.ts';

const WORKER_PATH = '/internal/worker';
const MIN_BACKOFF_MS = 250;
export const MAX_BACKOFF_MS = 2_500;
/** A connection that lasted this long counts as good: the next one is tried soon. */
const GOOD_CONNECTION_MS = 5_000;
/** A server that answers no ping for this long is taken for gone. */
const SILENCE_MS = 20_000;

export interface WorkerLinkOptions {
  readonly server: string;
  /** Asked for each connection: the token may have been replaced. */
  readonly token: () => string;
  readonly onOpen: () => void;
  readonly onMessage: (message: ServerMessage) => void;
  readonly log: (sentence: string) => void;
  /** In [0, 1). */
  readonly random?: () => number;
}

export class WorkerLink {
  readonly #options: WorkerLinkOptions;
  #socket: WebSocket | null = null;
  #lastTrouble = '';

  constructor(options: WorkerLinkOptions) {
    this.#options = options;
  }

  /** Connects, again and again, until the signal aborts; then closes and resolves. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const lastedMs = await this.#connection(signal);
      failures = lastedMs >= GOOD_CONNECTION_MS ? 0 : failures + 1;
      const random = (this.#options.random ?? Math.random)();
      await pause(backoffMs(failures, random), signal);
    }
  }

  /** Sends if a connection is open. False: it is not, and nothing was kept. */
  send(message: WorkerMessage): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Asks the server for a sign of life; a connection without one for long is ended. */
  ping(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  /** One connection from its attempt to its end; answers how long it was open, in ms. */
  async #connection(signal: AbortSignal): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    let openedAt: number | null = null;
    const socket = new WebSocket(
      `${socketUrl(this.#options.server)}${WORKER_PATH}`,
      authorizedOptions(this.#options.token(), MAX_WORKER_MESSAGE_BYTES),
    );
    this.#socket = socket;
    const silence = setTimeout(() => socket.terminate(), SILENCE_MS);
    const stop = () => socket.close(1001);
    signal.addEventListener('abort', stop, { once: true });
    socket.on('open', () => {
      openedAt = performance.now();
      this.#lastTrouble = '';
      this.#options.log('Connected to the office.');
      this.#options.onOpen();
    });
    socket.on('pong', () => silence.refresh());
    socket.on('message', (bytes) => {
      silence.refresh();
      this.#receive(bytes);
    });
    socket.on('error', (error) => this.#trouble(error.message));
    socket.on('close', (code, reason) => {
      if (openedAt !== null && !signal.aborted) this.#trouble(`the connection ended (${code} ${reason.toString()})`);
      resolve(openedAt === null ? 0 : performance.now() - openedAt);
    });
    if (signal.aborted) stop();
    const lastedMs = await promise;
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
    this.#socket = null;
    return lastedMs;
  }

  #receive(bytes: RawData): void {
    const message = readMessage(bytes.toString());
    if (message) this.#options.onMessage(message);
    else this.#trouble('the server sent a message that this worker does not know');
  }

  /** Said once for a row of equal troubles: an office that is down for a night fills no log. */
  #trouble(reason: string): void {
    if (reason === this.#lastTrouble) return;
    this.#lastTrouble = reason;
    this.#options.log(`The office cannot be reached: ${reason}. Trying again.`);
  }
}

/** Doubles from the least to the most; between half and all of that, so that workers don't come all at once. */
export function backoffMs(failures: number, random: number): number {
  const whole = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(failures, 16));
  return whole * (0.5 + random / 2);
}

function readMessage(text: string): ServerMessage | null {
  try {
    return serverMessageSchema.parse(JSON.parse(text));
  } catch {
    // JSON or shape: either way it is no message of this protocol.
    return null;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // Aborted: the caller's loop sees it.
  }
}
