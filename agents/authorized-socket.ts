import WebSocket, { type ClientOptions } from 'ws';

/** How long a server may take to answer the upgrade. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Options for a socket to the office's server: the worker's token goes in a header, never in an address. */
export const authorizedOptions = (token: string, maxPayload: number): ClientOptions => ({
  headers: { Authorization: `Bearer ${token}` },
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  perMessageDeflate: false,
  maxPayload,
});

/** A WebSocket class for y-websocket, which can't pass headers itself. The token is read anew for every connection. */
export function authorizedSocketClass(token: () => string, maxPayload: number): typeof globalThis.WebSocket {
  class AuthorizedSocket extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, authorizedOptions(token(), maxPayload));
    }
  }
  // reason: ws has the events and members of the browser's class that y-websocket uses; its types differ in the rest
  return AuthorizedSocket as unknown as typeof globalThis.WebSocket;
}

/** `http://host` -> `ws://host`, `https://host` -> `wss://host`. */
export const socketUrl = (server: string): string => server.replace(/^http/, 'ws');
