/**
 * Who is here, and what they are doing. The server owns the ids: a connection speaks for the client ids that it claimed
 * and for no others, and a person's `user` is whoever signed in.
 *
 * Changes are gathered by the room and sent together. A renewal (same state, higher clock) is not fanned out: the
 * room's regular snapshot carries it.
 */
import { type AwarenessState, MAX_AWARENESS_STATE_BYTES } from '../protocol/frames.ts';
import type { Peer } from './peer.ts';

/** Client ids that one connection may speak for. */
const MAX_CLAIMS_PER_PEER = 8;
/** Clocks remembered of ids that went, so that their return is not taken for old news. */
const MAX_TOMBSTONES = 1_000;

interface Claim {
  readonly peer: Peer;
  clock: number;
  state: string;
}

export class RoomAwareness {
  readonly #claims = new Map<number, Claim>();
  readonly #tombstones = new Map<number, number>();
  #changed = new Set<number>();

  /**
   * Takes what a connection says of its own ids; the rest is passed over (stock clients echo everyone's).
   * @param mayClaim whether this connection may speak for a client id that nobody has claimed
   */
  receive(peer: Peer, states: readonly AwarenessState[], mayClaim: (client: number) => boolean): void {
    for (const { client, clock, state } of states) {
      const claim = this.#claims.get(client);
      if (claim && claim.peer !== peer) continue;
      if (!claim && (!mayClaim(client) || this.#claimsOf(peer) >= MAX_CLAIMS_PER_PEER)) continue;
      const text = withUser(peer, state);
      if (text === null) continue;
      if (text === 'null') {
        if (claim) this.#remove(client, clock);
        continue;
      }
      if (!claim) this.#claim(peer, client, clock, text);
      else this.#update(claim, client, clock, text);
    }
  }

  /** Forgets a connection's ids. */
  leave(peer: Peer): void {
    for (const [client, claim] of this.#claims) if (claim.peer === peer) this.#remove(client, claim.clock);
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** What changed since the last call. */
  takeChanges(): AwarenessState[] {
    const changed = [...this.#changed].map((client) => this.#stateOf(client));
    this.#changed = new Set();
    return changed;
  }

  /** Everyone who is here. */
  snapshot(): AwarenessState[] {
    return [...this.#claims.keys()].map((client) => this.#stateOf(client));
  }

  #claim(peer: Peer, client: number, clock: number, state: string): void {
    // A peer that comes back with the clock it left with would stay unseen until its next renewal.
    const gone = this.#tombstones.get(client);
    this.#tombstones.delete(client);
    this.#claims.set(client, { peer, clock: gone !== undefined && clock <= gone ? gone + 1 : clock, state });
    this.#changed.add(client);
  }

  #update(claim: Claim, client: number, clock: number, state: string): void {
    if (clock <= claim.clock && state === claim.state) return;
    const isRenewal = state === claim.state;
    claim.clock = Math.max(clock, claim.clock + 1);
    claim.state = state;
    if (!isRenewal) this.#changed.add(client);
  }

  #remove(client: number, clock: number): void {
    const last = Math.max(clock, this.#claims.get(client)?.clock ?? 0) + 1;
    this.#claims.delete(client);
    this.#tombstones.set(client, last);
    this.#changed.add(client);
    if (this.#tombstones.size > MAX_TOMBSTONES) {
      const [oldest] = this.#tombstones.keys();
      if (oldest !== undefined) this.#tombstones.delete(oldest);
    }
  }

  #stateOf(client: number): AwarenessState {
    const claim = this.#claims.get(client);
    if (claim) return { client, clock: claim.clock, state: claim.state };
    return { client, clock: this.#tombstones.get(client) ?? 0, state: 'null' };
  }

  #claimsOf(peer: Peer): number {
    let count = 0;
    for (const claim of this.#claims.values()) if (claim.peer === peer) count++;
    return count;
  }
}

/** The state as it may be shown, or null where it is none. */
function withUser(peer: Peer, state: string): string | null {
  if (state === 'null') return state;
  if (Buffer.byteLength(state) > MAX_AWARENESS_STATE_BYTES || peer.principal.kind !== 'person') return null;
  let value: unknown;
  try {
    value = JSON.parse(state);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { id, name } = peer.principal;
  return JSON.stringify({ ...value, user: { id, name } });
}
