/**
 * Who is here, and what they are doing. The server owns the ids: a connection speaks for the client ids that it claimed
 * and for no others, and a person's `user` is whoever signed in.
 *
 * Changes are gathered by the room and sent together. A renewal (same state, higher clock) is not fanned out: the
 * room's regular snapshot carries it.
 *
 * A stock client remembers the clock under which it last saw another, also after that one is gone, and shows nothing
 * that is not above it. So clocks have to move when somebody comes back, and only their owner can move them: told that
 * its own state is gone, a stock client says it again under a higher clock (y-protocols, `applyAwarenessUpdate`). Such
 * a question goes to
 *  - whoever claims an id, so that those who remember them see them at once;
 *  - everyone whose clock stood still while somebody was away, so that the one who comes back sees them at once.
 */
import { type AwarenessState, MAX_AWARENESS_STATE_BYTES, MAX_AWARENESS_STATES } from '../protocol/frames.ts';
import type { Peer } from './peer.ts';

/** Client ids that one connection may speak for. */
export const MAX_CLAIMS_PER_PEER = 8;
/** Client ids that are here at once: a frame of a stock client, which echoes everyone's, carries no more. */
export const MAX_CLAIMS_PER_ROOM = MAX_AWARENESS_STATES;
/** Bytes of all states together: an echo of them is a frame as well. */
export const MAX_PRESENCE_BYTES = 2 * 1024 * 1024;
/** Ids remembered that went, so that their return is not taken for old news. */
export const MAX_TOMBSTONES = 1_000;
/** They are remembered for this long, in ms: longer than it takes everyone else to renew their clock. */
export const TOMBSTONE_MS = 60_000;

interface Claim {
  peer: Peer;
  clock: number;
  state: string;
  sizeBytes: number;
  /** The count of moves when its clock moved last. */
  movedAt: number;
  /** Whom its answer to a question is for; null where it was asked nothing. */
  asked: 'everyone' | 'returned' | null;
}

interface Tombstone {
  readonly clock: number;
  /** The count of moves when it went. */
  readonly movedAt: number;
  readonly untilMs: number;
}

/** A state that is told to its own owner as gone, so that it is said again. */
export interface Question {
  readonly peer: Peer;
  readonly state: AwarenessState;
}

export class RoomAwareness {
  readonly #claims = new Map<number, Claim>();
  readonly #byPeer = new Map<Peer, Set<number>>();
  readonly #tombstones = new Map<number, Tombstone>();
  /** Connections that may be the new one of an id's owner, by that id. */
  readonly #successors = new Map<number, Peer>();
  readonly #heard = new WeakSet<Peer>();
  #changed = new Set<number>();
  #answered = new Set<number>();
  #questions: Question[] = [];
  /** Connections that came back, and hear the answers to what was asked for them. */
  #returned = new Set<Peer>();
  #moves = 0;
  #sizeBytes = 0;

  /**
   * Takes what a connection says of its own ids; the rest is passed over (stock clients echo everyone's).
   * @param mayClaim whether this connection may speak for a client id that nobody has claimed
   */
  receive(peer: Peer, states: readonly AwarenessState[], mayClaim: (client: number) => boolean, nowMs: number): void {
    const isFirst = !this.#heard.has(peer);
    this.#heard.add(peer);
    for (const said of states) {
      const { client, clock, state } = said;
      const claim = this.#claims.get(client);
      if (claim && claim.peer !== peer && !this.#succeeds(claim, peer, said, isFirst)) continue;
      const text = withUser(peer, state);
      if (text === null) continue;
      if (text === 'null') {
        if (claim) this.#remove(client, claim, clock, nowMs);
      } else if (claim) this.#update(claim, client, clock, text);
      else if (this.#hasRoomFor(peer, text) && mayClaim(client)) this.#claim(peer, client, clock, text);
    }
  }

  /** Forgets a connection's ids. */
  leave(peer: Peer, nowMs: number): void {
    this.#returned.delete(peer);
    for (const client of [...(this.#byPeer.get(peer) ?? [])]) {
      const claim = this.#claims.get(client);
      if (claim) this.#remove(client, claim, claim.clock, nowMs);
    }
    this.#byPeer.delete(peer);
  }

  get hasNews(): boolean {
    return this.#changed.size > 0 || this.#answered.size > 0;
  }

  /** Client ids that are here. */
  get count(): number {
    return this.#claims.size;
  }

  /** What is to be asked since the last call. */
  takeQuestions(): readonly Question[] {
    const questions = this.#questions;
    this.#questions = [];
    return questions;
  }

  /** What changed since the last call, for everyone. */
  takeChanges(): AwarenessState[] {
    const changed = [...this.#changed].map((client) => this.#stateOf(client));
    this.#changed = new Set();
    return changed;
  }

  /** What was said again since the last call, for those who came back. */
  takeAnswers(): { readonly to: ReadonlySet<Peer>; readonly states: AwarenessState[] } {
    const states = [...this.#answered].map((client) => this.#stateOf(client));
    this.#answered = new Set();
    return { to: this.#returned, states };
  }

  /** Everyone who is here. Nobody waits for an answer after it. */
  snapshot(): AwarenessState[] {
    return [...this.#claims.keys()].map((client) => this.#stateOf(client));
  }

  /** Forgets who went long ago, and who is waited for. */
  prune(nowMs: number): void {
    this.#returned = new Set();
    this.#successors.clear();
    for (const [client, { untilMs }] of this.#tombstones) if (untilMs <= nowMs) this.#tombstones.delete(client);
  }

  #claim(peer: Peer, client: number, clock: number, state: string): void {
    const gone = this.#tombstones.get(client);
    this.#tombstones.delete(client);
    const own = this.#byPeer.get(peer) ?? new Set();
    this.#byPeer.set(peer, own.add(client));
    const claim: Claim = {
      peer,
      clock: Math.max(clock, (gone?.clock ?? -1) + 1),
      state,
      sizeBytes: Buffer.byteLength(state),
      movedAt: ++this.#moves,
      asked: null,
    };
    this.#claims.set(client, claim);
    this.#sizeBytes += claim.sizeBytes;
    this.#changed.add(client);
    this.#ask(client, claim, 'everyone');
    if (!gone) return;
    this.#returned.add(peer);
    for (const [other, theirs] of this.#claims) {
      if (theirs.movedAt <= gone.movedAt && theirs.asked === null) this.#ask(other, theirs, 'returned');
    }
  }

  #ask(client: number, claim: Claim, asked: 'everyone' | 'returned'): void {
    claim.asked = asked;
    this.#questions.push({ peer: claim.peer, state: { client, clock: claim.clock + 1, state: 'null' } });
  }

  /**
   * Whether a connection takes an id over from an older one of the same person, whose end nobody noticed. What another
   * tab echoes looks the same, so its first word only makes it be asked: the owner alone answers under a higher clock.
   */
  #succeeds(claim: Claim, peer: Peer, { client, clock, state }: AwarenessState, isFirst: boolean): boolean {
    if (claim.peer.principal.id !== peer.principal.id || state === 'null') return false;
    if (this.#successors.get(client) === peer && clock > claim.clock) {
      this.#successors.delete(client);
      this.#byPeer.get(claim.peer)?.delete(client);
      this.#byPeer.set(peer, (this.#byPeer.get(peer) ?? new Set()).add(client));
      claim.peer = peer;
      claim.asked = 'everyone';
      return true;
    }
    if (!isFirst) return false;
    this.#successors.set(client, peer);
    const next = Math.max(clock, claim.clock) + 1;
    this.#questions.push({ peer, state: { client, clock: next, state: 'null' } });
    return false;
  }

  #update(claim: Claim, client: number, clock: number, state: string): void {
    const isSame = state === claim.state;
    if (clock <= claim.clock && isSame) return;
    const sizeBytes = Buffer.byteLength(state);
    const totalBytes = this.#sizeBytes - claim.sizeBytes + sizeBytes;
    if (totalBytes > MAX_PRESENCE_BYTES) return;
    this.#sizeBytes = totalBytes;
    claim.sizeBytes = sizeBytes;
    claim.clock = Math.max(clock, claim.clock + 1);
    claim.movedAt = ++this.#moves;
    claim.state = state;
    if (!isSame || claim.asked === 'everyone') this.#changed.add(client);
    else if (claim.asked === 'returned') this.#answered.add(client);
    claim.asked = null;
  }

  #remove(client: number, claim: Claim, clock: number, nowMs: number): void {
    this.#claims.delete(client);
    this.#byPeer.get(claim.peer)?.delete(client);
    this.#sizeBytes -= claim.sizeBytes;
    const tombstone = {
      clock: Math.max(clock, claim.clock) + 1,
      movedAt: this.#moves,
      untilMs: nowMs + TOMBSTONE_MS,
    };
    this.#tombstones.set(client, tombstone);
    this.#changed.add(client);
    if (this.#tombstones.size <= MAX_TOMBSTONES) return;
    const [oldest] = this.#tombstones.keys();
    if (oldest !== undefined) this.#tombstones.delete(oldest);
  }

  #stateOf(client: number): AwarenessState {
    const claim = this.#claims.get(client);
    if (claim) return { client, clock: claim.clock, state: claim.state };
    return { client, clock: this.#tombstones.get(client)?.clock ?? 0, state: 'null' };
  }

  #hasRoomFor(peer: Peer, state: string): boolean {
    return (
      (this.#byPeer.get(peer)?.size ?? 0) < MAX_CLAIMS_PER_PEER &&
      this.#claims.size < MAX_CLAIMS_PER_ROOM &&
      this.#sizeBytes + Buffer.byteLength(state) <= MAX_PRESENCE_BYTES
    );
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
