/** A room: one document's connections around the server's replica of it. What a frame does, and who hears of it. */
import * as Y from 'yjs';
import { type DecodedUpdate, decodeStructs } from '../gate/update-structs.ts';
import { reasonOf } from '../logger.ts';
import type { DocumentRef } from '../protocol/document-name.ts';
import { OFFICE_ERRORS, type OfficeError, type OfficeErrorCode } from '../protocol/errors.ts';
import {
  type PeerFrame,
  readPeerFrame,
  type StateVector,
  writeNack,
  writeReceipt,
  writeStep1,
} from '../protocol/frames.ts';
import { unreachable } from '../protocol/unreachable.ts';
import type { Tally } from '../tally.ts';
import type { Peer } from './peer.ts';
import { RoomDelivery } from './room-delivery.ts';
import type { LoadedDocument } from './room-document.ts';
import { RoomEntries } from './room-entries.ts';
import type { RoomGate } from './room-gate.ts';
import { RoomPresence } from './room-presence.ts';
import { type Change, type ReplicaContext, RoomReplica } from './room-replica.ts';
import { SegmentEnd } from './segment-end.ts';

export interface RoomContext extends ReplicaContext {
  readonly tally: Tally;
  /** The room cannot go on and must be forgotten. Called once. */
  onFailed(error: OfficeError): void;
}

export class Room {
  readonly name: string;
  readonly ref: DocumentRef;
  /** What the server itself writes here. */
  readonly entries: RoomEntries;
  readonly #context: RoomContext;
  readonly #replica: RoomReplica;
  readonly #end: SegmentEnd;
  readonly #delivery: RoomDelivery;
  readonly #presence: RoomPresence;
  /** Connections that were asked for what the room lacks, and have not answered yet. */
  readonly #asked = new WeakSet<Peer>();

  constructor(name: string, ref: DocumentRef, loaded: LoadedDocument, context: RoomContext) {
    this.name = name;
    this.ref = ref;
    this.#context = context;
    this.#replica = new RoomReplica(name, ref, loaded, context, {
      applied: () => this.#end.sealIfFull(false),
      committed: (change) => this.#show(change),
      failed: (error) => this.#failed(error),
    });
    this.#end = new SegmentEnd(this.#replica, context);
    this.entries = new RoomEntries(this.#replica, context);
    this.#delivery = new RoomDelivery({
      doc: this.#replica.doc,
      clock: context.clock,
      tally: context.tally,
      afterCommit: (run) => this.#replica.afterCommit(run),
      onCurrent: (peer) => this.#presence.show(peer),
    });
    this.#presence = new RoomPresence(this.#delivery, context);
  }

  /** Why the document can only be read; null in health. */
  get damage(): string | null {
    return this.#replica.damage;
  }

  /** Changes that wait for the disk. */
  get uncommitted(): number {
    return this.#replica.uncommitted;
  }

  /** The bytes of those changes. */
  get uncommittedBytes(): number {
    return this.#replica.uncommittedBytes;
  }

  /** Connections that get no changes one by one, because they read too slowly. */
  get behindCount(): number {
    return this.#delivery.behindCount;
  }

  /** Client ids whose presence is shown. */
  get presentCount(): number {
    return this.#presence.count;
  }

  /** Bytes of a brief; 0 for a segment. */
  get briefBytes(): number {
    return this.#replica.briefBytes;
  }

  /** The document and the clock of its newest record, to look at; null while anything in it is on its way to the log. */
  get committed(): RoomReplica['committed'] {
    return this.#replica.committed;
  }

  get isFailed(): boolean {
    return this.#replica.isOver;
  }

  /** Seals the segment where that was left undone. To be called once, when the room is loaded. */
  sealIfFull(): void {
    const live = this.#context.segments.liveOf(this.ref.sessionId);
    this.#end.sealIfFull(this.ref.kind === 'segment' && live !== null && this.ref.segment < live);
  }

  /** Greets a connection: what is there, who is there, and what was refused of its own. */
  join(peer: Peer): void {
    this.#delivery.add(peer);
    // As it is now: by the time it is sent, there may be more that the log does not have yet, and devices take what the
    // room says it has for durable.
    const stateVector = Y.encodeStateVector(this.#replica.doc);
    this.#replica.afterCommit(() => {
      this.#delivery.tell(peer, writeStep1(stateVector));
      this.#presence.show(peer);
      if (!peer.knowsReceipts) return;
      for (const nack of this.#replica.refusalsOf(peer.principal.id)) this.#delivery.tell(peer, writeNack(nack));
    });
  }

  leave(peer: Peer): void {
    this.#delivery.remove(peer);
    this.#presence.leave(peer);
  }

  /** Closes every connection. */
  closePeers(code: number, reason: string): void {
    for (const peer of [...this.#delivery.peers]) peer.close(code, reason);
  }

  /** Takes one frame. Never throws: what is malformed closes its own connection and costs nobody else anything. */
  receive(peer: Peer, bytes: Uint8Array): void {
    if (this.isFailed) return;
    let frame: PeerFrame;
    try {
      frame = readPeerFrame(bytes);
    } catch (error) {
      this.#refuse(peer, 'bad_request', `a malformed frame: ${reasonOf(error)}`);
      return;
    }
    switch (frame.kind) {
      case 'step1':
        this.#answerStep1(peer, frame.stateVector);
        return;
      case 'update':
        if (frame.isStep2) this.#asked.delete(peer);
        this.#receiveUpdate(peer, frame.update);
        return;
      case 'awareness':
        this.#presence.receive(peer, frame.states, (client) => this.#replica.gate.reserve(peer, client));
        return;
      case 'query-awareness':
        this.#presence.show(peer);
        return;
      case 'unknown':
        return;
      default:
        unreachable(frame);
    }
  }

  /** Shortens the log where that is worth it. Rejects where the log refuses. */
  compact(): Promise<void> {
    return this.#replica.compact();
  }

  /** Resolves when everything that was begun is durable. Rejects where the room fails before. */
  durable(): Promise<void> {
    return this.#replica.durable();
  }

  /** Resolves once the log has taken or refused everything that was begun, also where the room failed. Never rejects. */
  answered(): Promise<void> {
    return this.#replica.answered();
  }

  /** Resolves when everything that was begun is durable and projected. */
  settled(): Promise<void> {
    return this.#replica.settled();
  }

  /** Closes every connection and forgets the document, which is read again from the log when somebody comes. */
  drop(error: OfficeError): void {
    this.#replica.drop(error);
  }

  /** Lets go of the document. Connections are the caller's to close first. */
  destroy(): void {
    this.#presence.stop();
    this.#delivery.stop();
    this.#replica.destroy();
  }

  #receiveUpdate(peer: Peer, update: Uint8Array): void {
    let decoded: DecodedUpdate;
    try {
      decoded = decodeStructs(update);
    } catch (error) {
      this.#refuse(peer, 'bad_request', `an update that cannot be decoded: ${reasonOf(error)}`);
      return;
    }
    if (decoded.byClient.size === 0 && decoded.deleted.length === 0) return;
    // A damaged document takes nothing new; devices keep what they have, and a repaired one asks them for it.
    const taken = this.damage === null ? decoded : this.#replica.gate.refillOf(peer, decoded);
    if (!taken) return;
    const grant = this.#context.grantOf(this.ref.sessionId);
    const { overload } = this.#replica;
    if (!grant) this.#refuse(peer, 'unknown', 'no such session');
    else if (overload !== null) this.#putOff(peer, overload);
    else this.#follow(peer, this.#replica.gate.judge(peer, taken, grant), update);
  }

  #follow(peer: Peer, verdict: ReturnType<RoomGate['judge']>, update: Uint8Array): void {
    switch (verdict.kind) {
      case 'gap':
        this.#askForMore(peer);
        return;
      case 'forged':
        this.#refuse(peer, 'forged', verdict.reason);
        return;
      case 'over':
        this.#refuse(peer, 'conflict', verdict.reason);
        return;
      case 'known':
        this.#replica.afterCommit(() => this.#sendReceipt(peer, verdict.known));
        return;
      case 'take':
        if (!this.#replica.take(peer, verdict, update) && !this.isFailed) {
          this.#replica.afterCommit(() => this.#sendReceipt(peer, verdict.saved));
        }
        return;
      default:
        unreachable(verdict);
    }
  }

  #show(change: Change): void {
    const { from, saved, refusals } = change;
    this.#delivery.relay(change.update, from, saved);
    if (!from) return;
    // First what was not taken: a receipt covers its place too, and must never be all that a device hears of it.
    if (from.knowsReceipts) for (const { nack } of refusals) this.#delivery.tell(from, writeNack(nack));
    this.#sendReceipt(from, saved);
  }

  #sendReceipt(peer: Peer, saved: StateVector): void {
    if (peer.knowsReceipts && saved.size > 0) this.#delivery.tell(peer, writeReceipt(saved));
  }

  #answerStep1(peer: Peer, stateVector: Uint8Array): void {
    try {
      this.#delivery.answer(peer, stateVector);
    } catch (error) {
      this.#refuse(peer, 'bad_request', `a state vector that cannot be read: ${reasonOf(error)}`);
    }
  }

  /** Asks a connection for what the room lacks, once until it answers. */
  #askForMore(peer: Peer): void {
    if (this.#asked.has(peer)) return;
    this.#asked.add(peer);
    const stateVector = Y.encodeStateVector(this.#replica.doc);
    this.#replica.afterCommit(() => this.#delivery.tell(peer, writeStep1(stateVector)));
  }

  /** The peer has its change still, and sends it again. */
  #putOff(peer: Peer, reason: string): void {
    this.#context.tally.add('changes_put_off');
    this.#refuse(peer, 'too_many', reason);
  }

  #refuse(peer: Peer, code: OfficeErrorCode, reason: string): void {
    const { close } = OFFICE_ERRORS[code];
    this.#context.logger.warn('a connection was closed', {
      document: this.name,
      principal: peer.principal.id,
      code: close,
      reason,
    });
    peer.close(close, reason);
  }

  #failed(error: OfficeError): void {
    this.#context.logger.error('a room was dropped', { document: this.name, code: error.code, reason: error.message });
    this.closePeers(error.closeCode, error.message);
    this.#presence.stop();
    this.#delivery.stop();
    this.#delivery.peers.clear();
    this.#context.onFailed(error);
  }
}
