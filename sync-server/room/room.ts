/**
 * A room: the server's live copy of one document and the connections to it. Strictly sequential:
 *
 *     frame -> decode -> gate -> apply -> log ==commit==> relay, receipt, projection
 *
 * Everything up to the log happens in one turn of the event loop; everything after it waits behind the commit barrier,
 * so what anybody has seen survives the process and the power.
 */
import * as Y from 'yjs';
import type { UpdateLog } from '../../persistence/log/update-log.ts';
import type { CommittedEntries } from '../../persistence/projection/committed-entries.ts';
import type { Clock } from '../clock.ts';
import { gateBrief } from '../gate/gate-brief.ts';
import { gatePerson } from '../gate/gate-person.ts';
import { gateWorker } from '../gate/gate-worker.ts';
import { judgeEntry } from '../gate/judge-entry.ts';
import { type DecodedUpdate, decodeStructs } from '../gate/update-structs.ts';
import type { Refusal, Verdict } from '../gate/verdict.ts';
import type { LeaseRegistry } from '../leases.ts';
import { type Logger, reasonOf } from '../logger.ts';
import type { DocumentRef } from '../protocol/document-name.ts';
import { type Entry, nextAt, type PersonEntry, type ReplyEntry, readEntry } from '../protocol/entry.ts';
import { OFFICE_ERRORS, OfficeError } from '../protocol/errors.ts';
import {
  type Nack,
  type PeerFrame,
  readPeerFrame,
  type StateVector,
  writeAwareness,
  writeNack,
  writeReceipt,
  writeStep1,
  writeStep2,
  writeUpdate,
} from '../protocol/frames.ts';
import { permission, type SessionGrant } from '../protocol/permission.ts';
import type { Person } from '../protocol/principal.ts';
import {
  entriesOf,
  finishLiveRow,
  type LiveRow,
  liveOf,
  newestAtIn,
  readLiveRow,
  writeEntry,
} from '../protocol/segment.ts';
import { unreachable } from '../protocol/unreachable.ts';
import { CommitBarrier } from './commit-barrier.ts';
import type { Peer } from './peer.ts';
import { RoomAwareness } from './room-awareness.ts';
import {
  hasPending,
  type LoadedDocument,
  MAX_REFUSALS_KEPT,
  OFFICE_PRINCIPAL,
  type StoredRefusal,
  writeMeta,
} from './room-document.ts';

/** Presence is gathered this long, in ms. */
const AWARENESS_INTERVAL_MS = 100;
/** Everyone is told who is here this often, in ms. A stock provider hangs up after 30 s without a frame. */
const SNAPSHOT_INTERVAL_MS = 20_000;
/** Changes of one room that may wait for the disk. */
const MAX_UNCOMMITTED = 5_000;
/** Log records after which a room is worth compacting. */
export const COMPACT_AFTER_RECORDS = 200;

export interface RoomContext {
  readonly log: UpdateLog;
  readonly leases: LeaseRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The live grant of a session: asked for every change. Null where the session is gone. */
  grantOf(sessionId: string): SessionGrant | null;
  /** An entry of the session in another segment, as projected. */
  findProjected(sessionId: string, entryId: string): Entry | undefined;
  /** Takes what became durable; resolves when it is projected. Never rejects. */
  project(committed: CommittedEntries): Promise<void>;
  /** The disk took a change. */
  onCommitted(): void;
  /** The room cannot go on and must be forgotten. Called once. */
  onFailed(error: OfficeError): void;
}

interface Change {
  readonly update: Uint8Array;
  readonly bindings: ReadonlyMap<number, string>;
  readonly entries: readonly Entry[];
  readonly refusals: readonly StoredRefusal[];
  readonly from: Peer | null;
  readonly saved: StateVector;
}

export class Room {
  readonly name: string;
  readonly ref: DocumentRef;
  readonly damage: string | null;
  readonly #context: RoomContext;
  readonly #doc: Y.Doc;
  readonly #owners: Map<number, string>;
  readonly #refusals: StoredRefusal[];
  readonly #peers = new Set<Peer>();
  readonly #awareness = new RoomAwareness();
  readonly #barrier = new CommitBarrier();
  readonly #askedForMore = new WeakSet<Peer>();
  #lastClock: number;
  #recordCount: number;
  #sizeBytes = 0;
  #newestAt = 0;
  #emitted: Uint8Array | null = null;
  #isFailed = false;
  #awarenessTimer: (() => void) | null = null;
  #snapshotTimer: (() => void) | null = null;

  constructor(name: string, ref: DocumentRef, loaded: LoadedDocument, context: RoomContext) {
    this.name = name;
    this.ref = ref;
    this.damage = loaded.damage;
    this.#context = context;
    this.#doc = loaded.doc;
    this.#owners = loaded.owners;
    this.#refusals = loaded.refusals;
    this.#lastClock = loaded.lastClock;
    this.#recordCount = loaded.recordCount;
    if (ref.kind === 'brief') this.#sizeBytes = Y.encodeStateAsUpdate(this.#doc).byteLength;
    this.#newestAt = newestAtIn(this.#doc);
    this.#doc.on('update', (update: Uint8Array) => {
      this.#emitted = update;
    });
    this.#scheduleSnapshot();
  }

  get peerCount(): number {
    return this.#peers.size;
  }

  get isQuiet(): boolean {
    return this.#barrier.isQuiet;
  }

  get isFailed(): boolean {
    return this.#isFailed;
  }

  get entryCount(): number {
    return entriesOf(this.#doc).size;
  }

  hasEntry(id: string): boolean {
    return entriesOf(this.#doc).has(id);
  }

  /** Greets a connection: what is there, who is there, and what was refused of its own. */
  join(peer: Peer): void {
    this.#peers.add(peer);
    this.#barrier.afterCommit(() => {
      peer.send(writeStep1(Y.encodeStateVector(this.#doc)));
      const here = this.#awareness.snapshot();
      if (here.length > 0) peer.sendPresence(writeAwareness(here));
      if (!peer.knowsReceipts) return;
      for (const { principal, nack } of this.#refusals) if (principal === peer.principal.id) peer.send(writeNack(nack));
    });
  }

  leave(peer: Peer): void {
    this.#peers.delete(peer);
    this.#awareness.leave(peer);
    this.#scheduleAwareness();
  }

  /** Closes every connection that `isMeant`. */
  closePeers(isMeant: (peer: Peer) => boolean, code: number, reason: string): void {
    for (const peer of [...this.#peers]) if (isMeant(peer)) peer.close(code, reason);
  }

  /** Takes one frame. Never throws: what is malformed closes its own connection and costs nobody else anything. */
  receive(peer: Peer, bytes: Uint8Array): void {
    if (this.#isFailed) return;
    let frame: PeerFrame;
    try {
      frame = readPeerFrame(bytes);
    } catch (error) {
      this.#refuse(peer, OFFICE_ERRORS.bad_request.close, `a malformed frame: ${reasonOf(error)}`);
      return;
    }
    switch (frame.kind) {
      case 'step1':
        this.#answerStep1(peer, frame.stateVector);
        return;
      case 'update':
        if (frame.isStep2) this.#askedForMore.delete(peer);
        this.#receiveUpdate(peer, frame.update);
        return;
      case 'awareness':
        this.#awareness.receive(peer, frame.states, (client) => this.#isOwn(peer, client));
        this.#scheduleAwareness();
        return;
      case 'query-awareness':
        peer.sendPresence(writeAwareness(this.#awareness.snapshot()));
        return;
      case 'unknown':
        return;
      default:
        unreachable(frame);
    }
  }

  /**
   * Adds an entry as a person, through the same gate and barrier as a browser's.
   * Resolves when it is durable and projected. Rejects with the refusal, or with `storage`.
   */
  async appendAs(person: Person, makeEntry: (at: number) => PersonEntry): Promise<PersonEntry> {
    this.#assertWritable();
    const entry = makeEntry(this.#nextAt());
    const grant = this.#context.grantOf(this.ref.sessionId);
    if (!grant) throw new OfficeError('unknown', 'no such session');
    const nowMs = this.#context.clock.now();
    const verdict = judgeEntry(person, entry.id, entry, { grant, nowMs, find: (id) => this.#find(id) });
    switch (verdict.kind) {
      case 'take':
        await this.#write(() => writeEntry(this.#doc, verdict.entry), [verdict.entry]);
        return verdict.entry;
      case 'same':
        await this.#settled();
        return entry;
      case 'forged':
        throw new OfficeError('forged', verdict.reason);
      case 'refuse':
        throw refusalError(verdict.code);
      default:
        return unreachable(verdict);
    }
  }

  /** Adds an entry of the office's own. Resolves when it is durable and projected; at once where the id is taken. */
  async appendAsOffice(makeEntry: (at: number) => Entry): Promise<void> {
    this.#assertWritable();
    const entry = makeEntry(this.#nextAt());
    if (entriesOf(this.#doc).has(entry.id)) return this.#settled();
    await this.#write(() => writeEntry(this.#doc, entry), [entry]);
  }

  /** Writes a turn's terminal reply from its row as it stands, and deletes the row. */
  async finishTurn(
    rowId: string,
    makeReply: (row: LiveRow | null, at: number) => ReplyEntry,
  ): Promise<'written' | 'exists'> {
    this.#assertWritable();
    const reply = makeReply(readLiveRow(this.#doc, rowId), this.#nextAt());
    if (entriesOf(this.#doc).has(reply.id)) {
      await this.#settled();
      return 'exists';
    }
    await this.#write(() => finishLiveRow(this.#doc, rowId, reply), [reply]);
    return 'written';
  }

  /** Deletes a row that nobody writes any more. Answers its text so far; '' where there is none. */
  async dropRow(rowId: string): Promise<string> {
    const row = readLiveRow(this.#doc, rowId);
    if (!liveOf(this.#doc).has(rowId)) return '';
    this.#assertWritable();
    await this.#write(() => liveOf(this.#doc).delete(rowId), []);
    return row?.text ?? '';
  }

  /** Row ids in the document, abandoned ones included. */
  rowIds(): string[] {
    return [...liveOf(this.#doc).keys()];
  }

  /** A client id that was never used in this document. */
  reserveClientId(): number {
    for (;;) {
      const client = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
      if (client !== 0 && client !== this.#doc.clientID && !this.#owners.has(client) && this.#clockOf(client) === 0)
        return client;
    }
  }

  /** The newest `at` of any entry here, in ms; 0 where there is none. */
  get newestAt(): number {
    return this.#newestAt;
  }

  /** Replaces the log's records by their merge where that is worth it. Only for a quiet room whose entries are projected. */
  async compact(): Promise<void> {
    if (this.#isFailed || this.damage || !this.isQuiet || this.#recordCount < COMPACT_AFTER_RECORDS) return;
    const merged = Y.encodeStateAsUpdate(this.#doc);
    await this.#context.log.compact(this.name, this.#lastClock, merged);
    this.#recordCount = 1;
  }

  /** Lets go of the document. Connections are the caller's to close first. */
  destroy(): void {
    this.#isFailed = true;
    this.#awarenessTimer?.();
    this.#snapshotTimer?.();
    this.#doc.destroy();
  }

  // --- the write path ---

  #receiveUpdate(peer: Peer, update: Uint8Array): void {
    let decoded: DecodedUpdate;
    try {
      decoded = decodeStructs(update);
    } catch (error) {
      this.#refuse(peer, OFFICE_ERRORS.bad_request.close, `an update that cannot be decoded: ${reasonOf(error)}`);
      return;
    }
    if (decoded.byClient.size === 0 && decoded.deleted.length === 0) return;
    if (this.damage) return;
    if (this.#barrier.size > MAX_UNCOMMITTED) {
      peer.close(OFFICE_ERRORS.too_many.close, 'the disk cannot keep up');
      return;
    }
    const grant = this.#context.grantOf(this.ref.sessionId);
    if (!grant) {
      this.#refuse(peer, OFFICE_ERRORS.unknown.close, 'no such session');
      return;
    }
    const verdict = this.#judge(peer, decoded, grant);
    switch (verdict.kind) {
      case 'gap':
        this.#askForMore(peer);
        return;
      case 'forged':
        this.#refuse(peer, OFFICE_ERRORS.forged.close, verdict.reason);
        return;
      case 'over':
        this.#refuse(peer, OFFICE_ERRORS.conflict.close, verdict.reason);
        return;
      case 'known':
        if (verdict.known.size > 0) this.#barrier.afterCommit(() => this.#sendReceipt(peer, verdict.known));
        return;
      case 'take':
        this.#take(peer, verdict, update);
        return;
      default:
        unreachable(verdict);
    }
  }

  #judge(peer: Peer, decoded: DecodedUpdate, grant: SessionGrant): Verdict {
    const clocks = {
      clockOf: (client: number) => this.#clockOf(client),
      isBound: (client: number) => this.#owners.has(client),
      isOwn: (client: number) => this.#isOwn(peer, client),
    };
    const { principal } = peer;
    if (principal.kind === 'worker') {
      const lease = peer.lease && this.#context.leases.byTurn(peer.lease.turn, peer.lease.attempt);
      if (!lease || lease.document !== this.name) return { kind: 'over', reason: 'the lease is over' };
      return gateWorker(lease, decoded, {
        ...clocks,
        nowMs: this.#context.clock.now(),
        hasEntry: (id) => this.#find(id) !== undefined,
      });
    }
    if (this.ref.kind === 'brief') {
      return permission(principal, grant, 'write')
        ? gateBrief(decoded, { ...clocks, sizeBytes: this.#sizeBytes })
        : { kind: 'over', reason: 'you may not write here' };
    }
    return gatePerson(principal, decoded, {
      ...clocks,
      grant,
      nowMs: this.#context.clock.now(),
      find: (id) => this.#find(id),
    });
  }

  #take(peer: Peer, verdict: Extract<Verdict, { kind: 'take' }>, original: Uint8Array): void {
    const update = this.#apply(() => Y.applyUpdate(this.#doc, verdict.update), original);
    if (this.#isFailed) return;
    const refusals = verdict.refusals.map((refusal) => ({ principal: peer.principal.id, nack: this.#nackOf(refusal) }));
    if (refusals.length > 0) {
      this.#context.logger.info('entries were not taken', {
        document: this.name,
        principal: peer.principal.id,
        codes: refusals.map(({ nack }) => nack.code).join(','),
      });
    }
    if (peer.lease && verdict.entries.length > 0) this.#context.leases.end(peer.lease.turn, peer.lease.attempt);
    const change: Change = {
      update: update ?? new Uint8Array(),
      bindings: new Map(
        verdict.bind.map((client) => [client, peer.lease ? `turn:${peer.lease.turn}` : peer.principal.id]),
      ),
      entries: verdict.entries,
      refusals,
      from: peer,
      saved: verdict.saved,
    };
    if (update) void this.#commit(change);
    else this.#barrier.afterCommit(() => this.#sendReceipt(peer, change.saved));
  }

  /** Applies a change and answers what the document emitted; null where nothing was new. Fails the room where it throws. */
  #apply(run: () => void, original: Uint8Array | null): Uint8Array | null {
    this.#emitted = null;
    try {
      run();
      if (hasPending(this.#doc)) throw new Error('the document waits for changes that it lacks');
    } catch (error) {
      this.#context.logger.error('a change was set aside: it could not be applied', {
        document: this.name,
        reason: reasonOf(error),
        update: original ? Buffer.from(original).toString('base64').slice(0, 4_000) : null,
      });
      this.#fail(new OfficeError('internal', 'a change could not be applied', { cause: error }));
      return null;
    }
    return this.#emitted;
  }

  async #write(run: () => void, entries: readonly Entry[]): Promise<void> {
    const update = this.#apply(() => this.#doc.transact(run), null);
    if (this.#isFailed || !update) throw new OfficeError('internal', 'the change could not be applied');
    const { clientID } = this.#doc;
    const bindings = this.#owners.has(clientID) ? new Map<number, string>() : new Map([[clientID, OFFICE_PRINCIPAL]]);
    await this.#commit({ update, bindings, entries, refusals: [], from: null, saved: new Map() });
  }

  /** Logs a change, then shows it. Resolves when its entries are projected; rejects where the disk refused it. */
  async #commit(change: Change): Promise<void> {
    const number = this.#barrier.applied();
    for (const [client, principal] of change.bindings) this.#owners.set(client, principal);
    for (const entry of change.entries) this.#newestAt = Math.max(this.#newestAt, entry.at);
    this.#sizeBytes += change.update.byteLength;
    let clock: number;
    try {
      clock = await this.#context.log.append({
        document: this.name,
        update: change.update,
        meta: writeMeta(change.bindings, change.refusals),
      });
    } catch (error) {
      const storage =
        error instanceof OfficeError
          ? error
          : new OfficeError('storage', 'the disk refused a change', { cause: error });
      this.#fail(storage);
      if (change.from) return;
      throw storage;
    }
    this.#context.onCommitted();
    if (this.#isFailed) return;
    this.#lastClock = clock;
    this.#recordCount++;
    this.#refusals.push(...change.refusals);
    this.#refusals.splice(0, this.#refusals.length - MAX_REFUSALS_KEPT);
    this.#show(change);
    this.#barrier.committed(number);
    await this.#projectEntries(change.entries, clock);
  }

  #show(change: Change): void {
    const frame = writeUpdate(change.update);
    for (const peer of this.#peers) if (peer !== change.from) peer.send(frame);
    if (!change.from) return;
    this.#sendReceipt(change.from, change.saved);
    for (const { nack } of change.refusals) if (change.from.knowsReceipts) change.from.send(writeNack(nack));
  }

  async #projectEntries(entries: readonly Entry[], throughClock: number): Promise<void> {
    if (entries.length === 0 || this.ref.kind !== 'segment') return;
    const { sessionId, segment } = this.ref;
    const committedAt = this.#context.clock.now();
    await this.#context.project({ document: this.name, sessionId, segment, throughClock, entries, committedAt });
  }

  #sendReceipt(peer: Peer, saved: StateVector): void {
    if (peer.knowsReceipts && saved.size > 0) peer.send(writeReceipt(saved));
  }

  #answerStep1(peer: Peer, stateVector: Uint8Array): void {
    let answer: Uint8Array;
    try {
      answer = Y.encodeStateAsUpdate(this.#doc, stateVector);
    } catch (error) {
      this.#refuse(peer, OFFICE_ERRORS.bad_request.close, `a state vector that cannot be read: ${reasonOf(error)}`);
      return;
    }
    this.#barrier.afterCommit(() => peer.send(writeStep2(answer)));
  }

  /** Asks a peer for what the room lacks, once until it answers. */
  #askForMore(peer: Peer): void {
    if (this.#askedForMore.has(peer)) return;
    this.#askedForMore.add(peer);
    const stateVector = Y.encodeStateVector(this.#doc);
    this.#barrier.afterCommit(() => peer.send(writeStep1(stateVector)));
  }

  #refuse(peer: Peer, code: number, reason: string): void {
    this.#context.logger.warn('a connection was closed', {
      document: this.name,
      principal: peer.principal.id,
      code,
      reason,
    });
    peer.close(code, reason);
  }

  #fail(error: OfficeError): void {
    if (this.#isFailed) return;
    this.#isFailed = true;
    this.#context.logger.error('a room was dropped', { document: this.name, code: error.code, reason: error.message });
    this.closePeers(() => true, error.closeCode, error.message);
    this.#peers.clear();
    this.destroy();
    this.#context.onFailed(error);
  }

  /** Resolves when what is applied now is durable and projected. */
  async #settled(): Promise<void> {
    await new Promise<void>((resolve) => this.#barrier.afterCommit(resolve));
    if (this.ref.kind !== 'segment') return;
    const { sessionId, segment } = this.ref;
    await this.#context.project({
      document: this.name,
      sessionId,
      segment,
      throughClock: this.#lastClock,
      entries: [],
      committedAt: this.#context.clock.now(),
    });
  }

  #assertWritable(): void {
    if (this.#isFailed) throw new OfficeError('restarting', 'the room is being reopened', { retryAfterSeconds: 1 });
    if (this.damage) throw new OfficeError('storage', `this session can be read but not written: ${this.damage}`);
  }

  #find(id: string): Entry | undefined {
    const value = entriesOf(this.#doc).get(id);
    if (value !== undefined) return readEntry(value) ?? undefined;
    return this.#context.findProjected(this.ref.sessionId, id);
  }

  #clockOf(client: number): number {
    return Y.getState(this.#doc.store, client);
  }

  #isOwn(peer: Peer, client: number): boolean {
    if (peer.lease) return client === peer.lease.clientId;
    const owner = this.#owners.get(client);
    if (owner !== undefined) return owner === peer.principal.id;
    return client !== this.#doc.clientID && !this.#context.leases.byClient(this.name, client);
  }

  #nackOf(refusal: Refusal): Nack {
    return { ...refusal, time: this.#context.clock.now() };
  }

  #nextAt(): number {
    return nextAt(this.#context.clock.now(), this.#newestAt);
  }

  // --- presence ---

  #scheduleAwareness(): void {
    if (this.#awarenessTimer || !this.#awareness.hasChanges || this.#isFailed) return;
    this.#awarenessTimer = this.#context.clock.setTimer(() => {
      this.#awarenessTimer = null;
      const frame = writeAwareness(this.#awareness.takeChanges());
      for (const peer of this.#peers) peer.sendPresence(frame);
    }, AWARENESS_INTERVAL_MS);
  }

  #scheduleSnapshot(): void {
    this.#snapshotTimer = this.#context.clock.setTimer(() => {
      const frame = writeAwareness(this.#awareness.snapshot());
      for (const peer of this.#peers) peer.send(frame);
      this.#scheduleSnapshot();
    }, SNAPSHOT_INTERVAL_MS);
  }
}

function refusalError(code: Nack['code']): OfficeError {
  switch (code) {
    case 'permission':
      return new OfficeError('forbidden', 'you may not do this in this session');
    case 'duplicate':
      return new OfficeError('conflict', 'another entry has this id already');
    case 'size':
      return new OfficeError('too_large', 'the entry is too large');
    case 'clock':
    case 'shape':
    case 'author':
    case 'closed':
      return new OfficeError('bad_request', `the entry was not taken: ${code}`);
    default:
      return unreachable(code);
  }
}
