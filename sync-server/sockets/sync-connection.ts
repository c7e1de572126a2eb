/**
 * One WebSocket of `/sync/<document name>`: from the socket to the room and back. Frames that come before the room is
 * loaded wait in the socket, which is paused; a peer over its rate is paused too, and never loses a frame.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from '../clock.ts';
import type { LeaseGrant } from '../leases.ts';
import { type Logger, reasonOf } from '../logger.ts';
import { OFFICE_ERRORS, OfficeError } from '../protocol/errors.ts';
import { type Hello, writeHello } from '../protocol/frames.ts';
import type { Principal } from '../protocol/principal.ts';
import type { Peer } from '../room/peer.ts';
import type { Room } from '../room/room.ts';
import type { Rooms } from '../room/rooms.ts';
import type { Tally } from '../tally.ts';
import { closeSocket } from './close-socket.ts';
import type { MessageFramer } from './message-framer.ts';
import type { RateLimiter } from './rate-limiter.ts';

export interface SyncConnectionOptions {
  readonly socket: WebSocket;
  /** What `socket` writes to. */
  readonly stream: Duplex;
  readonly framer: MessageFramer;
  readonly document: string;
  readonly principal: Principal;
  readonly lease: LeaseGrant | null;
  readonly knowsReceipts: boolean;
  readonly hello: Hello;
  readonly rooms: Rooms;
  readonly rates: RateLimiter;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly logger: Logger;
}

/** Joins the socket to its document's room, until either closes. Never rejects. */
export async function serveSyncConnection(options: SyncConnectionOptions): Promise<void> {
  const { socket, document, principal, rooms, logger } = options;
  socket.pause();
  const peer = makePeer(options);
  if (peer.knowsReceipts) peer.send(writeHello(options.hello));
  let room: Room;
  try {
    room = await rooms.join(document, peer);
  } catch (error) {
    const refusal = error instanceof OfficeError ? error : new OfficeError('internal', 'the room could not be opened');
    logger.warn('a room was not opened', { document, principal: principal.id, reason: reasonOf(error) });
    socket.resume();
    peer.close(refusal.closeCode, refusal.message);
    return;
  }
  if (socket.readyState !== socket.OPEN) {
    rooms.leave(room, peer);
    return;
  }
  socket.on('close', () => rooms.leave(room, peer));
  socket.on('message', (data, isBinary) => receive(options, room, peer, data, isBinary));
  socket.resume();
}

function receive(options: SyncConnectionOptions, room: Room, peer: Peer, data: unknown, isBinary: boolean): void {
  const { socket, principal, rates, clock, tally } = options;
  if (!isBinary || !(data instanceof Uint8Array)) {
    peer.close(OFFICE_ERRORS.bad_request.close, 'frames are binary');
    return;
  }
  const pauseMs = principal.kind === 'person' ? rates.take(principal.id, clock.now()) : 0;
  if (pauseMs > 0 && !socket.isPaused) {
    tally.add('peers_paused');
    socket.pause();
    clock.setTimer(() => socket.resume(), pauseMs);
  }
  room.receive(peer, data);
}

function makePeer({ socket, stream, framer, principal, lease, knowsReceipts }: SyncConnectionOptions): Peer {
  return {
    principal,
    lease,
    knowsReceipts,
    get unsentBytes() {
      return socket.bufferedAmount;
    },
    send: (frame) => {
      if (socket.readyState === socket.OPEN) stream.write(framer.framed(frame));
    },
    close: (code, reason) => closeSocket(socket, code, reason),
  };
}
