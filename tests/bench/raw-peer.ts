import { WebSocket } from 'ws';
import type { Heard, Wire } from './wire.ts';

/** A peer is in the room within this time, in ms. */
const JOIN_MS = 60_000;

/** Where and as whom a peer joins. */
export interface Seat {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly wire: Wire;
  /** Whose entries the peer may write. */
  readonly person: string;
}

/** The lightest honest peer: it keeps no document, says what was prepared, and counts what it hears. */
export class RawPeer {
  readonly seat: Seat;
  readonly #socket: WebSocket;
  #listener: (heard: Heard) => void = () => undefined;
  #closeReason: string | null = null;

  private constructor(seat: Seat) {
    this.seat = seat;
    this.#socket = new WebSocket(seat.url, { headers: { ...seat.headers }, perMessageDeflate: false });
    this.#socket.on('error', (error) => {
      this.#closeReason ??= error.message;
    });
    this.#socket.on('close', (code, reason) => {
      this.#closeReason ??= `${code} ${reason.toString()}`;
    });
    this.#socket.on('message', (data) => {
      if (!(data instanceof Uint8Array)) return;
      const heard = seat.wire.read(data);
      if (heard.kind === 'step1') this.#socket.send(seat.wire.nothingToTell());
      this.#listener(heard);
    });
  }

  /** Resolves once the peer is in the room, with what it was told of the document (empty where there is none). */
  static async join(seat: Seat): Promise<{ peer: RawPeer; document: Uint8Array }> {
    const peer = new RawPeer(seat);
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const timer = setTimeout(() => reject(new Error(`no answer from ${seat.url}`)), JOIN_MS);
    const greetings = seat.wire.greetings();
    peer.hear((heard) => {
      if (heard.kind === 'step2') resolve(heard.update);
    });
    peer.#socket.on('open', () => {
      for (const greeting of greetings) peer.#socket.send(greeting);
      if (greetings.length === 0) resolve(new Uint8Array());
    });
    peer.#socket.on('close', () => reject(new Error(`${seat.url} closed: ${peer.#closeReason}`)));
    try {
      const document = await promise;
      peer.hear(() => undefined);
      return { peer, document };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Replaces the listener. */
  hear(listener: (heard: Heard) => void): void {
    this.#listener = listener;
  }

  /** Sends a frame made by the seat's wire. */
  say(frame: Uint8Array): void {
    this.#socket.send(frame);
  }

  /** Why the server closed the connection; null while it is open. */
  get closeReason(): string | null {
    return this.#closeReason;
  }

  leave(): void {
    this.#socket.terminate();
  }
}
