/**
 * A room's replica of its document, and the way a change takes into it:
 *
 *     judged ─► applied ─► appended to the log ─► (commit barrier) ─► told to the room, projected
 *
 * Judging, applying and appending happen in one turn of the event loop, so changes enter one after the other; what
 * depends on a change waits behind the barrier until the log has it.
 */
import * as Y from 'yjs';
import type { UpdateLog } from '../../persistence/log/update-log.ts';
import type { CommittedEntries } from '../../persistence/projection/committed-entries.ts';
import type { QuarantinedUpdate } from '../../persistence/quarantine/quarantine.ts';
import type { Refusal, Verdict } from '../gate/verdict.ts';
import { type Logger, reasonOf } from '../logger.ts';
import type { DocumentRef } from '../protocol/document-name.ts';
import { type Entry, nextAt } from '../protocol/entry.ts';
import { OfficeError } from '../protocol/errors.ts';
import type { Nack, StateVector } from '../protocol/frames.ts';
import type { EntryId } from '../protocol/ids.ts';
import type { SessionGrant } from '../protocol/permission.ts';
import { CommitBarrier } from './commit-barrier.ts';
import { lateAmong } from './late-arrivals.ts';
import type { Peer } from './peer.ts';
import {
  hasPending,
  type LoadedDocument,
  MAX_REFUSALS_KEPT,
  OFFICE_PRINCIPAL,
  type StoredRefusal,
  writeMeta,
} from './room-document.ts';
import { RoomGate, type RoomGateContext } from './room-gate.ts';
import { SegmentTally } from './segment-tally.ts';

/** Changes of one room that may wait for the disk. */
export const MAX_UNCOMMITTED = 5_000;
/** Bytes of one room that may wait for the disk: a quarter of what the log takes for all rooms together. */
export const MAX_UNCOMMITTED_BYTES = 16 * 1024 * 1024;
/** Changes of all rooms that may wait for their projection; while the database takes none, they wait in memory. */
export const MAX_PROJECTION_BACKLOG = 20_000;
/** Log records after which a document is worth compacting. */
const COMPACT_AFTER_RECORDS = 200;

export interface ReplicaContext extends RoomGateContext {
  readonly log: UpdateLog;
  readonly logger: Logger;
  /** The live grant of a session: asked for every change. Null where the session is gone. */
  grantOf(sessionId: string): SessionGrant | null;
  /** Takes what became durable; resolves when it is projected. Never rejects. */
  project(committed: CommittedEntries): Promise<void>;
  /** Hears of entries that came late, once they are projected. */
  arrivedLate(sessionId: string, ids: readonly EntryId[]): void;
  /** Changes of all rooms that are durable and wait for their projection. */
  projectionBacklog(): number;
  /** Has what waits for its projection projected without delay. */
  hurryProjection(): void;
  /** Hears of a segment that was ended, once that is projected. */
  sealed(document: string): void;
  /** The disk took a change. */
  onCommitted(): void;
  /** Keeps a change that passed the gate and could not be applied. Returns at once, never throws. */
  quarantine(setAside: QuarantinedUpdate): void;
}

/** A change that the document has, on its way to the log or there. */
export interface Change {
  readonly update: Uint8Array;
  /** Client ids that belong to a principal from here on. */
  readonly bindings: ReadonlyMap<number, string>;
  readonly entries: readonly Entry[];
  readonly refusals: readonly StoredRefusal[];
  /** The connection that it came from; null: the server itself. */
  readonly from: Peer | null;
  /** The clocks that the document has with it, of the client ids in it. */
  readonly saved: StateVector;
}

/** What the room hears of its replica. No call throws. */
export interface ReplicaListener {
  /** The document has a change, the log not yet. */
  applied(): void;
  /** The log has a change: it may be shown. */
  committed(change: Change): void;
  /** The replica is of no use any more. Called once. */
  failed(error: OfficeError): void;
}

type TakeVerdict = Extract<Verdict, { kind: 'take' }>;

export class RoomReplica {
  readonly name: string;
  readonly ref: DocumentRef;
  readonly doc: Y.Doc;
  /** Why the document can only be read; null in health. */
  readonly damage: string | null;
  /** What may enter. */
  readonly gate: RoomGate;
  readonly #context: ReplicaContext;
  readonly #listener: ReplicaListener;
  readonly #refusals: StoredRefusal[];
  readonly #barrier = new CommitBarrier();
  #lastClock: number;
  #recordCount: number;
  #sizeBytes = 0;
  #uncommittedBytes = 0;
  #newestAt = 0;
  readonly #tally: SegmentTally;
  /** What the document emitted since a change began to be applied: Yjs may tidy up after it in a transaction of its own. */
  #emitted: Uint8Array[] = [];
  #isOver = false;
  readonly #over = Promise.withResolvers<void>();
  /** Resolves once the log has answered for every change: what it refuses at once it answers before what waits. */
  #answered: Promise<void> = Promise.resolve();

  constructor(
    name: string,
    ref: DocumentRef,
    loaded: LoadedDocument,
    context: ReplicaContext,
    listener: ReplicaListener,
  ) {
    this.name = name;
    this.ref = ref;
    this.doc = loaded.doc;
    this.damage = loaded.damage;
    this.#context = context;
    this.#listener = listener;
    this.#refusals = loaded.refusals;
    this.#lastClock = loaded.lastClock;
    this.#recordCount = loaded.recordCount;
    if (ref.kind === 'brief') this.#sizeBytes = Y.encodeStateAsUpdate(this.doc).byteLength;
    this.#tally = new SegmentTally(this.doc);
    const { doc, damage } = this;
    const sizeBytes = () => this.#sizeBytes;
    this.gate = new RoomGate({ name, ref, doc, damage, tally: this.#tally, sizeBytes }, loaded.owners, context);
    const elsewhere = ref.kind === 'segment' ? context.segments.newestAt(ref.sessionId) : 0;
    this.#newestAt = Math.max(this.#tally.newestAt, elsewhere);
    this.doc.on('update', (update: Uint8Array) => {
      this.#emitted.push(update);
    });
  }

  /** What the segment holds. */
  get tally(): Omit<SegmentTally, 'add'> {
    return this.#tally;
  }

  /** The newest `at` of the session as far as it is known here, in ms; 0 where it has no entry. */
  get newestAt(): number {
    return this.#newestAt;
  }

  /** The `at` of an entry that is written now. */
  nextAt(): number {
    return nextAt(this.#context.clock.now(), this.#newestAt);
  }

  get isQuiet(): boolean {
    return this.#barrier.uncommitted === 0;
  }

  /** Changes that wait for the disk. */
  get uncommitted(): number {
    return this.#barrier.uncommitted;
  }

  /** The bytes of those changes. */
  get uncommittedBytes(): number {
    return this.#uncommittedBytes;
  }

  /** Why no change is taken at the moment, though all is well; null where one is. */
  get overload(): string | null {
    const isFull = this.uncommitted >= MAX_UNCOMMITTED || this.#uncommittedBytes >= MAX_UNCOMMITTED_BYTES;
    if (isFull) return 'the disk cannot keep up';
    return this.#context.projectionBacklog() >= MAX_PROJECTION_BACKLOG ? 'the database cannot keep up' : null;
  }

  /** Bytes of a brief, as they count for its bound; 0 for a segment. */
  get briefBytes(): number {
    return this.ref.kind === 'brief' ? this.#sizeBytes : 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The document and the clock of its newest record; null while anything in it is on its way to the log. */
  get committed(): { readonly doc: Y.Doc; readonly lastClock: number } | null {
    return this.isQuiet && !this.#isOver ? { doc: this.doc, lastClock: this.#lastClock } : null;
  }

  /** Runs once all that the document holds now is durable. */
  afterCommit(run: () => void): void {
    this.#barrier.afterCommit(run);
  }

  /** What was refused of a principal's changes, oldest first. */
  refusalsOf(principalId: string): readonly Nack[] {
    return this.#refusals.flatMap(({ principal, nack }) => (principal === principalId ? [nack] : []));
  }

  /**
   * Takes a judged update in. Answers whether anything in it was new: if so, the room hears of it once it is durable.
   * @param original what the peer sent, for the case that it cannot be applied
   */
  take(peer: Peer, verdict: TakeVerdict, original: Uint8Array): boolean {
    const update = this.#apply(() => Y.applyUpdate(this.doc, verdict.update), { peer, original });
    if (!update) return false;
    // A reply closes its lease in the same step: what its client id writes from here on is refused.
    if (peer.lease && verdict.entries.length > 0) this.#context.leases.end(peer.lease.turn, peer.lease.attempt);
    const owner = peer.lease ? `turn:${peer.lease.turn}` : peer.principal.id;
    const refusals = verdict.refusals.map((refusal) => this.#refusalOf(peer, refusal));
    this.#append({
      update,
      bindings: new Map(verdict.bind.map((client) => [client, owner])),
      entries: verdict.entries,
      refusals,
      from: peer,
      saved: verdict.saved,
    }).catch((error: unknown) => {
      // The room has failed and told everyone; their devices send the change again.
      this.#context.logger.warn('a change was not saved', { document: this.name, reason: reasonOf(error) });
    });
    this.#listener.applied();
    return true;
  }

  /** Changes the document as the server itself. Resolves when the change is durable and its entries are projected. */
  async write(run: () => void, entries: readonly Entry[]): Promise<void> {
    this.assertWritable();
    const update = this.#apply(() => this.doc.transact(run), null);
    if (!update) throw new OfficeError('internal', 'the change could not be applied');
    const { clientID } = this.doc;
    const saved = new Map([[clientID, this.gate.clockOf(clientID)]]);
    const bindings = this.gate.isBound(clientID) ? new Map<number, string>() : new Map([[clientID, OFFICE_PRINCIPAL]]);
    const appended = this.#append({ update, bindings, entries, refusals: [], from: null, saved });
    this.#listener.applied();
    await appended;
  }

  /** Resolves when all that the document holds now is durable. Rejects where the replica ends before. */
  async durable(): Promise<void> {
    await Promise.race([new Promise<void>((resolve) => this.#barrier.afterCommit(resolve)), this.#over.promise]);
    if (this.#isOver) throw new OfficeError('restarting', 'the room was closed meanwhile', { retryAfterSeconds: 1 });
  }

  /** Resolves once the log has taken or refused every change, also where the replica is over. Never rejects. */
  answered(): Promise<void> {
    return this.#answered;
  }

  /** Resolves when all that the document holds now is durable and projected. Rejects where the replica ends before. */
  async settled(): Promise<void> {
    await this.durable();
    // Of a document that was never written to there is nothing to project.
    if (this.#lastClock >= 0) await this.#project([], this.#lastClock);
  }

  /** Throws where nothing can be written here at the moment. */
  assertWritable(): void {
    if (this.#isOver) throw new OfficeError('restarting', 'the room is being reopened', { retryAfterSeconds: 1 });
    if (this.damage) throw new OfficeError('storage', `this session can be read but not written: ${this.damage}`);
    if (this.overload) throw new OfficeError('too_many', this.overload, { retryAfterSeconds: 2 });
  }

  /** Replaces the log's records by their merge where that is worth it. Only while quiet, and once all is projected. */
  async compact(): Promise<void> {
    if (this.#isOver || this.damage || !this.isQuiet || this.#recordCount < COMPACT_AFTER_RECORDS) return;
    await this.#context.log.compact(this.name, this.#lastClock, Y.encodeStateAsUpdate(this.doc));
    this.#recordCount = 1;
  }

  /** Gives the replica up: it is read again from the log. */
  drop(error: OfficeError): void {
    this.#fail(error);
  }

  destroy(): void {
    this.#isOver = true;
    this.#over.resolve();
    this.doc.destroy();
  }

  /** Applies a change and answers what the document emitted; null where nothing was new, or where it could not be applied. */
  #apply(run: () => void, sent: { readonly peer: Peer; readonly original: Uint8Array } | null): Uint8Array | null {
    this.#emitted = [];
    try {
      run();
      if (this.damage === null && hasPending(this.doc)) throw new Error('the document waits for changes that it lacks');
    } catch (error) {
      const [document, principal, reason] = [this.name, sent?.peer.principal.id ?? OFFICE_PRINCIPAL, reasonOf(error)];
      this.#context.logger.error('a change was set aside: it could not be applied', { document, principal, reason });
      const at = this.#context.clock.now();
      if (sent) this.#context.quarantine({ document, principal, at, reason, update: sent.original });
      this.#fail(new OfficeError('internal', 'a change could not be applied', { cause: error }));
      return null;
    }
    const [only = null, ...further] = this.#emitted;
    return further.length === 0 ? only : Y.mergeUpdates(this.#emitted);
  }

  /** Logs a change, has it shown, and projects it. Rejects where the disk refused it, having failed the replica. */
  async #append(change: Change): Promise<void> {
    const { sessionId } = this.ref;
    const { segments } = this.#context;
    const number = this.#barrier.applied();
    const wasSealed = this.#tally.isSealed;
    this.gate.bind(change.bindings);
    for (const entry of change.entries) {
      this.#newestAt = Math.max(this.#newestAt, entry.at);
      this.#tally.add(entry);
    }
    segments.add(sessionId, change.entries);
    this.#sizeBytes += change.update.byteLength;
    this.#uncommittedBytes += change.update.byteLength;
    let clock: number;
    try {
      const meta = writeMeta(change.bindings, change.refusals);
      const appended = this.#context.log.append({ document: this.name, update: change.update, meta });
      this.#answered = Promise.allSettled([this.#answered, appended]).then(() => undefined);
      clock = await appended;
    } catch (error) {
      segments.remove(sessionId, change.entries);
      const refused = new OfficeError('storage', 'the disk refused a change', { cause: error });
      const failure = error instanceof OfficeError ? error : refused;
      this.#fail(failure);
      throw failure;
    }
    segments.committed(sessionId, change.entries);
    const wasOver = this.#isOver;
    if (!wasOver) this.#committed(change, number, clock);
    // Also where the room failed meanwhile: the log has it, and nobody else would project it.
    if (change.entries.length > 0) {
      const projected = this.#projectNew(change.entries, clock, wasSealed);
      // Whoever has the server write waits for it.
      if (change.from === null) this.#context.hurryProjection();
      await projected;
    }
    if (wasOver) throw new OfficeError('restarting', 'the room was closed meanwhile', { retryAfterSeconds: 1 });
  }

  #committed(change: Change, number: number, clock: number): void {
    this.#context.onCommitted();
    this.#uncommittedBytes -= change.update.byteLength;
    this.#lastClock = clock;
    this.#recordCount++;
    this.#refusals.push(...change.refusals);
    this.#refusals.splice(0, this.#refusals.length - MAX_REFUSALS_KEPT);
    this.#listener.committed(change);
    this.#barrier.committed(number);
  }

  async #projectNew(entries: readonly Entry[], clock: number, wasSealed: boolean): Promise<void> {
    const { sessionId } = this.ref;
    const late = lateAmong(entries, { wasSealed, committedAt: this.#context.clock.now() });
    await this.#project(entries, clock);
    this.#context.segments.remove(sessionId, entries);
    // What a damaged document takes back was there before.
    if (late.length > 0 && this.damage === null) this.#context.arrivedLate(sessionId, late);
    if (entries.some(({ kind }) => kind === 'sealed')) this.#context.sealed(this.name);
  }

  async #project(entries: readonly Entry[], throughClock: number): Promise<void> {
    if (this.ref.kind !== 'segment') return;
    const { sessionId, segment } = this.ref;
    const committedAt = this.#context.clock.now();
    await this.#context.project({ document: this.name, sessionId, segment, throughClock, entries, committedAt });
  }

  #refusalOf(peer: Peer, refusal: Refusal): StoredRefusal {
    const { id: principal } = peer.principal;
    this.#context.logger.info('an entry was not taken', { document: this.name, principal, code: refusal.code });
    return { principal, nack: { ...refusal, time: this.#context.clock.now() } };
  }

  #fail(error: OfficeError): void {
    if (this.#isOver) return;
    this.destroy();
    this.#listener.failed(error);
  }
}
