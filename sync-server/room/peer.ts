import type { LeaseGrant } from '../leases.ts';
import type { Principal } from '../protocol/principal.ts';

/** One connection, as a room sees it. None of the calls throws; on a closed connection they do nothing. */
export interface Peer {
  readonly principal: Principal;
  /** Knows our frames (`?receipts=1`). */
  readonly knowsReceipts: boolean;
  /** The lease that a worker joined under; null for people. */
  readonly lease: LeaseGrant | null;
  /** Bytes that were sent and that the network has not taken yet. */
  readonly unsentBytes: number;
  send(frame: Uint8Array): void;
  close(code: number, reason: string): void;
}
