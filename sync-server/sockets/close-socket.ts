import type { WebSocket } from 'ws';

/** A close reason is at most 123 bytes on the wire. */
const MAX_REASON_BYTES = 123;

/** Closes with a code and as much of the reason as fits. Harmless on a socket that is closed. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState !== socket.OPEN) return;
  const bytes = Buffer.from(reason);
  const isShort = bytes.byteLength <= MAX_REASON_BYTES;
  const cut = bytes.subarray(0, MAX_REASON_BYTES - 4).toString();
  socket.close(code, isShort ? reason : `${cut.replace(/\uFFFD+$/, '')}…`);
}
