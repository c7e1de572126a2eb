/** Who may write what into one document, asked of what the document and its session hold now. */
import { isDeepStrictEqual } from 'node:util';
import * as Y from 'yjs';
import type { Clock } from '../clock.ts';
import { gateBrief } from '../gate/gate-brief.ts';
import { gatePerson } from '../gate/gate-person.ts';
import { gateWorker } from '../gate/gate-worker.ts';
import { refillOf } from '../gate/refill.ts';
import type { DecodedUpdate } from '../gate/update-structs.ts';
import type { Verdict } from '../gate/verdict.ts';
import type { LeaseRegistry } from '../leases.ts';
import type { DocumentRef } from '../protocol/document-name.ts';
import { type Entry, readEntry } from '../protocol/entry.ts';
import { isUlid } from '../protocol/ids.ts';
import { permission, type SessionGrant } from '../protocol/permission.ts';
import { entriesOf } from '../protocol/segment.ts';
import type { Peer } from './peer.ts';
import { ReservedClients } from './reserved-clients.ts';
import type { SegmentLimits } from './segment-roll.ts';
import type { SegmentTally } from './segment-tally.ts';
import type { SessionSegments } from './session-segments.ts';

export interface RoomGateContext {
  readonly leases: LeaseRegistry;
  readonly clock: Clock;
  /** What the rooms of a session share. */
  readonly segments: SessionSegments;
  readonly segmentLimits: SegmentLimits;
}

/** The document that is guarded. */
export interface GuardedDocument {
  readonly name: string;
  readonly ref: DocumentRef;
  readonly doc: Y.Doc;
  /** Why it can only be read; null in health. */
  readonly damage: string | null;
  readonly tally: Omit<SegmentTally, 'add'>;
  sizeBytes(): number;
}

export class RoomGate {
  readonly #document: GuardedDocument;
  /** The principals that client ids belong to, for good. */
  readonly #owners: Map<number, string>;
  readonly #reserved = new ReservedClients();
  readonly #context: RoomGateContext;

  constructor(document: GuardedDocument, owners: ReadonlyMap<number, string>, context: RoomGateContext) {
    this.#document = document;
    this.#owners = new Map(owners);
    this.#context = context;
  }

  /** Client ids belong to these principals from here on. */
  bind(bindings: ReadonlyMap<number, string>): void {
    for (const [client, principal] of bindings) this.#owners.set(client, principal);
  }

  isBound(client: number): boolean {
    return this.#owners.has(client);
  }

  /** The next clock of a client id; 0 for one never seen. */
  clockOf(client: number): number {
    return Y.getState(this.#document.doc.store, client);
  }

  /** Whether a client id is this connection's, or may become it. */
  isOwn(peer: Peer, client: number): boolean {
    if (peer.lease) return client === peer.lease.clientId;
    const owner = this.#owners.get(client) ?? this.#reserved.holderOf(client);
    if (owner !== undefined) return owner === peer.principal.id;
    return client !== this.#document.doc.clientID && !this.#context.leases.byClient(this.#document.name, client);
  }

  /** Keeps a client id for whoever shows themselves under it first. Answers whether it is this connection's. */
  reserve(peer: Peer, client: number): boolean {
    if (!this.isOwn(peer, client)) return false;
    if (!peer.lease && !this.#owners.has(client)) this.#reserved.reserve(client, peer.principal.id);
    return true;
  }

  /** Whether nobody ever wrote or was seen under a client id. */
  isFresh(client: number): boolean {
    const isKnown = this.#owners.has(client) || this.#reserved.holderOf(client) !== undefined;
    return client !== this.#document.doc.clientID && !isKnown && this.clockOf(client) === 0;
  }

  /** An entry of the session, wherever it stands. */
  find(id: string): Entry | undefined {
    const value = entriesOf(this.#document.doc).get(id);
    if (value !== undefined) return readEntry(value) ?? undefined;
    const { segments } = this.#context;
    const { ref } = this.#document;
    const ahead = segments.findAhead(ref.sessionId, id);
    // While the first segment goes on there is no other in which a projected entry could stand.
    if (ahead || (ref.kind === 'segment' && ref.segment === 1 && !this.#document.tally.isSealed)) return ahead;
    return segments.findProjected(ref.sessionId, id);
  }

  /** Whether an entry of this id may be on its way to an earlier segment. Ids that the office derives can be guessed. */
  mayComeLater(id: string): boolean {
    const { ref } = this.#document;
    return ref.kind === 'segment' && ref.segment > 1 && isUlid(id);
  }

  /** Whether so many further entries, of so many bytes as JSON in all, may enter. */
  fits(count: number, sizeBytes: number): boolean {
    return this.#document.tally.fits(count, sizeBytes, this.#context.segmentLimits);
  }

  /** What the gate says of an update from a connection. */
  judge(peer: Peer, decoded: DecodedUpdate, grant: SessionGrant): Verdict {
    const nowMs = this.#context.clock.now();
    const clocks = {
      clockOf: (client: number) => this.clockOf(client),
      isBound: (client: number) => this.#owners.has(client),
      isOwn: (client: number) => this.isOwn(peer, client),
    };
    const { principal } = peer;
    if (principal.kind === 'worker') {
      const lease = peer.lease && this.#context.leases.byTurn(peer.lease.turn, peer.lease.attempt);
      if (!lease || lease.document !== this.#document.name) return { kind: 'over', reason: 'the lease is over' };
      return gateWorker(lease, decoded, { ...clocks, nowMs, hasEntry: (id) => this.find(id) !== undefined });
    }
    if (this.#document.ref.kind === 'segment') {
      const isDamaged = this.#document.damage !== null;
      return gatePerson(principal, decoded, {
        ...clocks,
        grant,
        nowMs,
        find: (id) => this.find(id) ?? (isDamaged ? this.#findLost(id) : undefined),
        mayComeLater: (id) => this.mayComeLater(id),
        isLost: (id) => isDamaged && this.#findLost(id) !== undefined,
        fitsAll: (count, sizeBytes) => this.fits(count, sizeBytes),
      });
    }
    if (!permission(principal, grant, 'write')) return { kind: 'over', reason: 'you may not write here' };
    return gateBrief(decoded, { ...clocks, sizeBytes: this.#document.sizeBytes() });
  }

  /** What a damaged document may take of an update: what its log has lost, from whom it was. Null: nothing. */
  refillOf(peer: Peer, decoded: DecodedUpdate): DecodedUpdate | null {
    if (peer.principal.kind !== 'person') return null;
    return refillOf(this.#document.doc, decoded, {
      clockOf: (client) => this.clockOf(client),
      isBoundToSender: (client) => this.#owners.get(client) === peer.principal.id,
      isLostEntry: (id, value) => isDeepStrictEqual(this.#findLost(id), value),
    });
  }

  /** An entry of this segment that the database has and the document has not: the log has lost it. */
  #findLost(id: string): Entry | undefined {
    const { ref } = this.#document;
    const { segments } = this.#context;
    if (ref.kind !== 'segment' || entriesOf(this.#document.doc).has(id)) return undefined;
    return segments.projectedSegmentOf(ref.sessionId, id) === ref.segment
      ? segments.findProjected(ref.sessionId, id)
      : undefined;
  }
}
