import type { Clock } from '../clock.ts';
import { type AwarenessState, writeAwareness } from '../protocol/frames.ts';
import type { Peer } from './peer.ts';
import { RoomAwareness } from './room-awareness.ts';

/** Presence is gathered this long, in ms. */
const GATHER_MS = 100;
/** Everyone is told who is here this often, in ms. A stock provider hangs up after 30 s without a frame. */
const SNAPSHOT_MS = 20_000;

/** Tells the connections of a room who is there: changes together, everything now and then. */
export class RoomPresence {
  readonly #awareness = new RoomAwareness();
  readonly #peers: ReadonlySet<Peer>;
  readonly #clock: Clock;
  #callOffChanges: (() => void) | null = null;
  #callOffSnapshot: () => void;

  constructor(peers: ReadonlySet<Peer>, clock: Clock) {
    this.#peers = peers;
    this.#clock = clock;
    this.#callOffSnapshot = this.#snapshotLater();
  }

  receive(peer: Peer, states: readonly AwarenessState[], mayClaim: (client: number) => boolean): void {
    this.#awareness.receive(peer, states, mayClaim);
    this.#tellLater();
  }

  /** Tells one connection who is here. */
  show(peer: Peer): void {
    const here = this.#awareness.snapshot();
    if (here.length > 0) peer.sendPresence(writeAwareness(here));
  }

  leave(peer: Peer): void {
    this.#awareness.leave(peer);
    this.#tellLater();
  }

  stop(): void {
    this.#callOffChanges?.();
    this.#callOffSnapshot();
  }

  #tellLater(): void {
    if (this.#callOffChanges || !this.#awareness.hasChanges) return;
    this.#callOffChanges = this.#clock.setTimer(() => {
      this.#callOffChanges = null;
      const frame = writeAwareness(this.#awareness.takeChanges());
      for (const peer of this.#peers) peer.sendPresence(frame);
    }, GATHER_MS);
  }

  #snapshotLater(): () => void {
    return this.#clock.setTimer(() => {
      const frame = writeAwareness(this.#awareness.snapshot());
      for (const peer of this.#peers) peer.send(frame);
      this.#callOffSnapshot = this.#snapshotLater();
    }, SNAPSHOT_MS);
  }
}
