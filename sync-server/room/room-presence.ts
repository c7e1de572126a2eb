import type { Clock } from '../clock.ts';
import { type AwarenessState, writeAwareness } from '../protocol/frames.ts';
import type { Tally } from '../tally.ts';
import type { Peer } from './peer.ts';
import { RoomAwareness } from './room-awareness.ts';

/** Presence is gathered this long, in ms: everyone hears of it ten times a second at most. */
export const GATHER_MS = 100;
/** Everyone is told who is here this often, in ms. A stock provider hangs up after 30 s without a frame. */
export const SNAPSHOT_MS = 20_000;

/** Those who hear of a room's presence. */
export interface Audience {
  readonly peers: ReadonlySet<Peer>;
  /** Sends presence, which a connection that reads slowly goes without. */
  showPresence(peer: Peer, frame: Uint8Array): void;
}

/**
 * Tells the connections of a room who is there: changes together, everything now and then, and everything to who just
 * came. However many come within `GATHER_MS`, each connection gets one frame for it, and each frame is encoded once.
 */
export class RoomPresence {
  readonly #awareness = new RoomAwareness();
  readonly #audience: Audience;
  readonly #clock: Clock;
  readonly #tally: Tally;
  readonly #newcomers = new Set<Peer>();
  #callOffNews: (() => void) | null = null;
  #callOffSnapshot: () => void;

  constructor(audience: Audience, { clock, tally }: { readonly clock: Clock; readonly tally: Tally }) {
    this.#audience = audience;
    this.#clock = clock;
    this.#tally = tally;
    this.#callOffSnapshot = this.#snapshotLater();
  }

  /** Client ids that are here. */
  get count(): number {
    return this.#awareness.count;
  }

  receive(peer: Peer, states: readonly AwarenessState[], mayClaim: (client: number) => boolean): void {
    this.#awareness.receive(peer, states, mayClaim, this.#clock.now());
    for (const { peer: asked, state } of this.#awareness.takeQuestions()) {
      this.#audience.showPresence(asked, writeAwareness([state]));
    }
    this.#tellLater();
  }

  /** Tells one connection who is here, with the next news. */
  show(peer: Peer): void {
    this.#newcomers.add(peer);
    this.#tellLater();
  }

  leave(peer: Peer): void {
    this.#newcomers.delete(peer);
    this.#awareness.leave(peer, this.#clock.now());
    this.#tellLater();
  }

  stop(): void {
    this.#callOffNews?.();
    this.#callOffSnapshot();
  }

  #tellLater(): void {
    if (this.#newcomers.size === 0 && !this.#awareness.hasNews) return;
    this.#callOffNews ??= this.#clock.setTimer(() => {
      this.#callOffNews = null;
      this.#tell();
    }, GATHER_MS);
  }

  #tell(): void {
    const { peers } = this.#audience;
    const changes = this.#awareness.takeChanges();
    const answers = this.#awareness.takeAnswers();
    this.#send(
      changes,
      [...peers].filter((peer) => !this.#newcomers.has(peer)),
    );
    this.#send(
      answers.states,
      [...answers.to].filter((peer) => !this.#newcomers.has(peer)),
    );
    if (this.#newcomers.size > 0) this.#send(this.#awareness.snapshot(), this.#newcomers);
    this.#newcomers.clear();
  }

  #send(states: readonly AwarenessState[], to: Iterable<Peer>): void {
    if (states.length === 0) return;
    const frame = this.#encode(states);
    for (const peer of to) this.#audience.showPresence(peer, frame);
  }

  #snapshotLater(): () => void {
    return this.#clock.setTimer(() => {
      // Also where nobody is here: then it only says that the connection lives.
      const frame = this.#encode(this.#awareness.snapshot());
      for (const peer of this.#audience.peers) this.#audience.showPresence(peer, frame);
      this.#awareness.prune(this.#clock.now());
      this.#callOffSnapshot = this.#snapshotLater();
    }, SNAPSHOT_MS);
  }

  #encode(states: readonly AwarenessState[]): Uint8Array {
    this.#tally.add('presence_encoded');
    return writeAwareness(states);
  }
}
