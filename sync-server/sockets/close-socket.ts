import type { WebSocket } from 'ws';
import { isRetryLater, retryHint } from '../protocol/retry-hint.ts';

/** A close reason is at most 123 bytes on the wire (RFC 6455, section 5.5). */
const MAX_REASON_BYTES = 123;

/**
 * Closes with a code and as much of the reason as fits. A code that means "try later" says when, differently to each.
 * Harmless on a socket that is closed.
 */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState !== socket.OPEN) return;
  const hint = isRetryLater(code) ? retryHint(Math.random()) : '';
  socket.close(code, `${cutTo(MAX_REASON_BYTES - hint.length, reason)}${hint}`);
}

function cutTo(sizeBytes: number, reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.byteLength <= sizeBytes) return reason;
  const ellipsis = '…';
  const cut = bytes.subarray(0, sizeBytes - Buffer.byteLength(ellipsis)).toString();
  return `${cut.replace(/\uFFFD+$/, '')}${ellipsis}`;
}
