/**
 * A WebSocket message as it stands on the wire, made once for all who get it. What a room says goes to everyone in it,
 * and making the frame again for each of them costs a third of sending it.
 *
 * The bytes are written to the stream below `ws` (the one that the upgrade was asked on). That is sound because ws
 * writes each of its own frames (pings, pongs, closes) whole, in one go; it would no longer be if ws compressed messages
 * (which makes it write later) or sent one in fragments. So: no permessage-deflate on these sockets, and nothing is
 * written unless the socket is OPEN, for after its close frame a connection says nothing more.
 */

/** RFC 6455, section 5.2: a final frame of binary data. */
const FINAL_BINARY = 0x82;
/** Lengths below this stand in the second byte; 126 announces 16 bits, 127 announces 64. */
const MAX_SHORT_LENGTH = 125;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;
const MAX_16_BITS = 0xffff;

export class MessageFramer {
  #message: Uint8Array | null = null;
  #framed: Uint8Array = new Uint8Array();

  /** The frame of a binary message; the same bytes again while the same message (by identity) is asked for. */
  framed(message: Uint8Array): Uint8Array {
    if (message !== this.#message) {
      this.#framed = frameBinary(message);
      this.#message = message;
    }
    return this.#framed;
  }
}

/** One unmasked frame, as a server sends it. */
export function frameBinary(message: Uint8Array): Uint8Array {
  const { byteLength } = message;
  const headerBytes = byteLength <= MAX_SHORT_LENGTH ? 2 : byteLength <= MAX_16_BITS ? 4 : 10;
  const framed = Buffer.allocUnsafe(headerBytes + byteLength);
  framed[0] = FINAL_BINARY;
  if (headerBytes === 2) framed[1] = byteLength;
  else if (headerBytes === 4) {
    framed[1] = LENGTH_IN_16_BITS;
    framed.writeUInt16BE(byteLength, 2);
  } else {
    framed[1] = LENGTH_IN_64_BITS;
    framed.writeBigUInt64BE(BigInt(byteLength), 2);
  }
  framed.set(message, headerBytes);
  return framed;
}
