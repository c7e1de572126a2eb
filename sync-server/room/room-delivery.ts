/**
 * What a room says to its connections, to each as fast as it reads.
 *
 *     current ── over BEHIND_BUFFER_BYTES ──► behind: receipts, refusals and questions only
 *        ▲                                      │
 *        └── what it lacks, as one update ◄── it has read what waited
 *
 * One that falls behind is remembered with what it had been shown. What it lacks is taken from the document when it can
 * read again, and sent behind the commit barrier like every answer: it never gets what the log does not hold.
 */
import * as Y from 'yjs';
import type { Clock } from '../clock.ts';
import { OFFICE_ERRORS } from '../protocol/errors.ts';
import { type StateVector, writeStep2, writeUpdate } from '../protocol/frames.ts';
import type { Tally } from '../tally.ts';
import type { Peer } from './peer.ts';
import { DRAINED_BUFFER_BYTES, MAX_BEHIND_MS, readingOf } from './slow-reader.ts';

/** How often those that fell behind are looked at, in ms. */
const LOOK_MS = 100;

interface Behind {
  readonly sinceMs: number;
  /** What it has, as a state vector; what it was not shown lies above. */
  has: Uint8Array;
  /** It asked for what it lacks meanwhile, and waits for an answer of that form. */
  isAsking: boolean;
  /** What it lacks is on its way through the commit barrier. */
  isAnswered: boolean;
}

export interface DeliveryParts {
  readonly doc: Y.Doc;
  readonly clock: Clock;
  readonly tally: Tally;
  /** Runs once all that the document holds now is durable. */
  afterCommit(run: () => void): void;
  /** A connection that had fallen behind hears everything again. */
  onCurrent(peer: Peer): void;
}

export class RoomDelivery {
  readonly peers = new Set<Peer>();
  readonly #parts: DeliveryParts;
  readonly #behind = new Map<Peer, Behind>();
  /** What has been shown: the document as far as the log has it. A client id may stand lower here, never higher. */
  readonly #shown: Map<number, number>;
  #callOffLook: (() => void) | null = null;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#shown = Y.decodeStateVector(Y.encodeStateVector(parts.doc));
  }

  /** Whether a connection gets changes one by one. */
  isCurrent(peer: Peer): boolean {
    return !this.#behind.has(peer);
  }

  get behindCount(): number {
    return this.#behind.size;
  }

  add(peer: Peer): void {
    this.peers.add(peer);
  }

  remove(peer: Peer): void {
    this.peers.delete(peer);
    this.#behind.delete(peer);
  }

  /** Shows a durable change to everyone but its author. @param reach the clocks that the document has with it */
  relay(update: Uint8Array, from: Peer | null, reach: StateVector): void {
    const frame = writeUpdate(update);
    let delivered = 0;
    for (const peer of this.peers) {
      if (peer === from || this.#behind.has(peer)) continue;
      const reading = readingOf(peer.unsentBytes);
      if (reading === 'prompt' || reading === 'slow') {
        peer.send(frame);
        delivered++;
      } else this.#fallBehind(peer);
    }
    this.#parts.tally.add('updates_relayed');
    this.#parts.tally.add('updates_delivered', delivered);
    for (const [client, clock] of reach) {
      if (clock > (this.#shown.get(client) ?? 0)) this.#shown.set(client, clock);
    }
  }

  /** Says something of which each connection gets little: a receipt, a refusal, a question. */
  tell(peer: Peer, frame: Uint8Array): void {
    if (readingOf(peer.unsentBytes) === 'stuck') this.#giveUp(peer);
    else peer.send(frame);
  }

  /** Sends presence, which a connection that reads slowly goes without. */
  showPresence(peer: Peer, frame: Uint8Array): void {
    if (this.isCurrent(peer) && readingOf(peer.unsentBytes) === 'prompt') peer.send(frame);
    else this.#parts.tally.add('presence_dropped');
  }

  /** Answers a state vector with what its peer lacks, once that is durable. Throws where it cannot be read. */
  answer(peer: Peer, stateVector: Uint8Array): void {
    if (this.isCurrent(peer) && readingOf(peer.unsentBytes) === 'behind') this.#fallBehind(peer);
    const behind = this.#behind.get(peer);
    if (behind && !behind.isAnswered) {
      Y.decodeStateVector(stateVector);
      behind.has = stateVector;
      behind.isAsking = true;
      return;
    }
    const update = this.#lacking(stateVector);
    this.#parts.afterCommit(() => this.tell(peer, writeStep2(update)));
  }

  stop(): void {
    this.#callOffLook?.();
    this.#behind.clear();
  }

  #lacking(stateVector: Uint8Array): Uint8Array {
    return Y.encodeStateAsUpdate(this.#parts.doc, stateVector);
  }

  #fallBehind(peer: Peer): void {
    if (readingOf(peer.unsentBytes) === 'stuck') {
      this.#giveUp(peer);
      return;
    }
    this.#parts.tally.add('peers_behind');
    this.#behind.set(peer, {
      sinceMs: this.#parts.clock.now(),
      has: Y.encodeStateVector(this.#shown),
      isAsking: false,
      isAnswered: false,
    });
    this.#callOffLook ??= this.#lookLater();
  }

  #lookLater(): () => void {
    return this.#parts.clock.setTimer(() => {
      for (const [peer, behind] of this.#behind) this.#look(peer, behind);
      this.#callOffLook = this.#behind.size > 0 ? this.#lookLater() : null;
    }, LOOK_MS);
  }

  #look(peer: Peer, behind: Behind): void {
    if (behind.isAnswered) return;
    if (peer.unsentBytes <= DRAINED_BUFFER_BYTES) this.#resync(peer, behind);
    else if (this.#parts.clock.now() - behind.sinceMs >= MAX_BEHIND_MS) this.#giveUp(peer);
  }

  /** Sends all that a connection lacks; what is shown from then on comes after it. */
  #resync(peer: Peer, behind: Behind): void {
    behind.isAnswered = true;
    const update = this.#lacking(behind.has);
    this.#parts.afterCommit(() => {
      if (this.#behind.get(peer) !== behind) return;
      this.#behind.delete(peer);
      this.#parts.tally.add('peers_resynced');
      this.tell(peer, behind.isAsking ? writeStep2(update) : writeUpdate(update));
      this.#parts.onCurrent(peer);
    });
  }

  #giveUp(peer: Peer): void {
    this.remove(peer);
    this.#parts.tally.add('peers_too_slow');
    peer.close(OFFICE_ERRORS.too_many.close, 'the connection cannot keep up');
  }
}
