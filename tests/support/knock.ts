import { onTestFinished } from 'vitest';
import WebSocket from 'ws';
import type { OfficeCaller } from './office-caller.ts';
import { until } from './until.ts';

/** A bare WebSocket at one of the office's doors. */
export class Knock {
  readonly socket: WebSocket;
  readonly texts: string[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  /** Whether the server answers pings, so that it has dealt with what came before. */
  #pongs = 0;

  constructor(caller: OfficeCaller, path: string, headers: Readonly<Record<string, string>> = caller.headers) {
    this.socket = new WebSocket(`${caller.url.replace(/^http/, 'ws')}${path}`, {
      headers: { ...headers },
      rejectUnauthorized: false,
    });
    this.socket.on('message', (data, isBinary) => {
      if (!isBinary) this.texts.push(String(data));
    });
    this.socket.on('pong', () => this.#pongs++);
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    // The close that follows says what there is to say.
    this.socket.on('error', () => undefined);
    onTestFinished(() => this.socket.terminate());
  }

  /** The code with which the server closed it. */
  async code(): Promise<number> {
    return (await until('the socket closes', () => this.closed)).code;
  }

  async opened(): Promise<this> {
    await until('the socket is open', () => this.socket.readyState === WebSocket.OPEN);
    return this;
  }

  /** Resolves once the server has dealt with what was sent: true where the socket is still open then. */
  async survives(): Promise<boolean> {
    await until('open or closed', () => this.closed || this.socket.readyState === WebSocket.OPEN);
    const before = this.#pongs;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.ping();
    await until('a pong or a close', () => this.closed || this.#pongs > before);
    return this.closed === null;
  }

  /** The JSON messages so far. */
  get messages(): unknown[] {
    return this.texts.map((text): unknown => JSON.parse(text));
  }
}

export const knock = (caller: OfficeCaller, path: string, headers?: Readonly<Record<string, string>>): Knock =>
  new Knock(caller, path, headers);
