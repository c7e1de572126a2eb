/**
 * This device's replicas of one session. Its log is a chain of segments; the newest known one is where new entries go.
 *
 *     1 ... n-1        n                     n+1
 *     read over HTTP   sealed, still open    live: entries are written here
 *                      ^ until its own entries are saved and nobody writes in it; then it retires
 *
 * Every event changes a replica, and then `#evaluate()` runs once: the one place that opens and retires segments:
 * 1. A segment that the server has ended leads to the next.
 * 2. A segment stays open while it holds unsent or refused entries of this person, live rows, or an open turn.
 * 3. What was refused because its segment was full is minted anew in the newest.
 * 4. A segment that the office does not have (it was restored from a backup) is left for the one that it says is live.
 * 5. After a leap over several segments the former newest is shown until the present one has come.
 */
import { segmentName } from '../../sync-server/protocol/document-name.ts';
import type { Entry, PersonEntry } from '../../sync-server/protocol/entry.ts';
import { OFFICE_ERRORS } from '../../sync-server/protocol/errors.ts';
import type { NackCode } from '../../sync-server/protocol/frames.ts';
import type { SessionId } from '../../sync-server/protocol/ids.ts';
import type { LiveRow } from '../../sync-server/protocol/segment.ts';
import { KnownSegments } from './known-segments.ts';
import {
  type EntryDraft,
  type EntryState,
  type Present,
  type ReplicaChange,
  type ReplicaLink,
  type ReplicaOptions,
  SegmentReplica,
} from './segment-replica.ts';

export interface SessionReplicaOptions extends Omit<ReplicaOptions, 'documentName' | 'officeOffsetMs'> {
  readonly sessionId: SessionId;
  /** The live segment as far as the office has said. */
  readonly live: number;
  /** Called with a segment's entries as its replica goes; they are all that the server had. */
  readonly onRetired: (segment: number, entries: readonly Entry[]) => void;
}

export class SessionReplica {
  readonly #options: SessionReplicaOptions;
  readonly #known: KnownSegments;
  readonly #replicas = new Map<number, SegmentReplica>();
  /** Replicas that are on their way out. */
  readonly #closing = new Set<Promise<void>>();
  /** Ids of entries that were minted anew, so that what refers to them by their first id finds them. */
  readonly #renamed = new Map<string, PersonEntry['id']>();
  #newest: number;
  /** The live segment as far as the office has said. */
  #officeLive: number;
  /** Segments that the office does not have. */
  readonly #missing = new Set<number>();
  /** The segment that is shown as the newest while the newest one has not come yet; null where that has, or follows on what is shown. */
  #bridge: number | null = null;
  /** The newest `at` in what has retired, in ms. */
  #newestRetiredAt = 0;
  #watched: ReadonlySet<number> = new Set();
  #isConnected = false;
  #isTyping = false;
  #isClosed = false;
  #isEvaluationDue = false;

  constructor(options: SessionReplicaOptions) {
    this.#options = options;
    this.#known = new KnownSegments(options.shelf, options.user.id, options.sessionId);
    const remembered = this.#known.newest;
    this.#officeLive = options.live;
    this.#newest = Math.max(remembered ?? 1, options.live);
    this.#known.heardOf(this.#newest);
    for (const segment of this.#known.unsent) if (segment < this.#newest) this.#open(segment);
    if (remembered !== null && remembered < this.#newest) this.#bridge = remembered;
    if (this.#bridge !== null) this.#open(this.#bridge);
    this.#open(this.#newest);
  }

  /** The segment that new entries are written to. */
  get newest(): number {
    return this.#newest;
  }

  /** The open replicas' segments, ascending. */
  get open(): readonly number[] {
    return [...this.#replicas.keys()].sort((a, b) => a - b);
  }

  /** Entries of an open segment, in no order; undefined where it is not open. */
  entriesIn(segment: number): Entry[] | undefined {
    return this.#replicas.get(segment)?.entries();
  }

  /** Whether an open replica holds all that its segment held when it was last newest, or more. */
  isWhole(segment: number): boolean {
    const replica = this.#replicas.get(segment);
    return replica !== undefined && (replica.hasBeenLive || replica.sealedNext !== null);
  }

  /** The segment at the end of what is shown. */
  get shownNewest(): number {
    return this.#bridge ?? this.#newest;
  }

  has(id: string): boolean {
    return this.#all().some((replica) => replica.has(id));
  }

  rows(): LiveRow[] {
    return this.#all().flatMap((replica) => replica.rows());
  }

  /** Who has this session open, each person once: peers move on to the next segment one by one. */
  people(): Present[] {
    const byId = new Map<string, Present>();
    for (const person of this.#all().flatMap((replica) => replica.people())) {
      byId.set(person.id, { ...person, isTyping: person.isTyping || byId.get(person.id)?.isTyping === true });
    }
    return [...byId.values()];
  }

  /** The connection to the newest segment; while that is being opened, the one to the segment before it. */
  get link(): ReplicaLink {
    const { link, hasBeenLive } = this.#live();
    if (hasBeenLive || (link.kind !== 'waiting' && link.kind !== 'connecting')) return link;
    const isCarried = this.#all().some((replica) => replica.link.kind === 'live');
    return isCarried ? { kind: 'live' } : link;
  }

  get isLoaded(): boolean {
    return this.#live().isLoaded;
  }

  /** Whether the server has sent the newest segment at least once. */
  get hasBeenLive(): boolean {
    return this.#live().hasBeenLive;
  }

  officeNow(): number {
    return this.#live().officeNow();
  }

  /** This person's entries that are on their way or refused, whichever segment they are in. */
  unsettled(): { readonly entry: Entry; readonly state: EntryState; readonly refusal: NackCode | undefined }[] {
    return this.#all().flatMap((replica) =>
      replica
        .unsettled()
        .map((entry) => ({ entry, state: replica.stateOf(entry.id), refusal: replica.refusalOf(entry.id) })),
    );
  }

  /** Connects, and stays so. Call once the session is known to the server. */
  connect(): void {
    this.#isConnected = true;
    for (const replica of this.#all()) replica.connect();
  }

  /** Takes note of the live segment that the office tells of. */
  follow(live: number): void {
    this.#officeLive = live;
    this.#missing.delete(live);
    this.#evaluateSoon();
    if (live > this.#newest) {
      const isSomethingShown = (this.entriesIn(this.#newest)?.length ?? 0) > 0;
      if (live > this.#newest + 1 && isSomethingShown) this.#bridge ??= this.#newest;
      this.#moveTo(live);
    } else if (live === this.#newest && this.#isConnected && this.#live().link.kind === 'refused')
      this.#live().connect();
  }

  /** Keeps these segments open, too: an open turn writes there. */
  watch(segments: ReadonlySet<number>): void {
    this.#watched = segments;
    for (const segment of segments) if (segment < this.#newest) this.#open(segment);
    this.#evaluateSoon();
  }

  /** Writes an entry into the newest segment. Answers null where it breaks the entries' form. */
  append(draft: EntryDraft): PersonEntry | null {
    const meant = this.#renamedIn(draft);
    // What changes an entry that has not left this device goes with it: elsewhere it would come before what it speaks of.
    const beside = 'target' in meant ? this.#unsentSegmentOf(meant.target) : undefined;
    const segment = beside ?? this.#newest;
    const newestAt = Math.max(this.#newestRetiredAt, ...this.#all().map((replica) => replica.newestAt));
    this.#known.noteUnsent(segment);
    return this.#open(segment).append(meant, newestAt);
  }

  /** Sends the words of a refused entry as a new one. */
  sendAnew(id: string): PersonEntry | null {
    const replica = this.#all().find((other) => other.refusalOf(id) !== undefined);
    const draft = replica?.draftOf(id) ?? null;
    const sent = draft && this.append(draft);
    if (!sent) return null;
    this.#renamed.set(id, sent.id);
    replica?.drop(id);
    return sent;
  }

  /** Gives a refused entry up. */
  drop(id: string): void {
    for (const replica of this.#all()) replica.drop(id);
  }

  setTyping(isTyping: boolean): void {
    this.#isTyping = isTyping;
    this.#live().setTyping(isTyping);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#all().map((replica) => replica.close()), ...this.#closing]);
  }

  #all(): SegmentReplica[] {
    return [...this.#replicas.values()];
  }

  #live(): SegmentReplica {
    return this.#open(this.#newest);
  }

  #open(segment: number): SegmentReplica {
    const found = this.#replicas.get(segment);
    if (found) return found;
    const { sessionId, live: _live, onRetired: _onRetired, ...rest } = this.#options;
    const replica = new SegmentReplica({
      ...rest,
      documentName: segmentName(sessionId, segment),
      officeOffsetMs: this.#replicas.get(this.#newest)?.officeOffsetMs ?? this.#all()[0]?.officeOffsetMs ?? 0,
      onChange: (change) => this.#changed(change),
    });
    this.#replicas.set(segment, replica);
    if (this.#isConnected) replica.connect();
    return replica;
  }

  #changed(change: ReplicaChange): void {
    if (this.#isClosed) return;
    this.#options.onChange(change);
    if (change !== 'presence' && change !== 'storage') this.#evaluateSoon();
  }

  /** After what is happening now, once, however much that was. */
  #evaluateSoon(): void {
    if (this.#isEvaluationDue) return;
    this.#isEvaluationDue = true;
    queueMicrotask(() => {
      this.#isEvaluationDue = false;
      if (!this.#isClosed) this.#evaluate();
    });
  }

  #evaluate(): void {
    const next = this.#sealedNext();
    if (next > this.#newest && !this.#missing.has(next)) this.#moveTo(next);
    const { link } = this.#live();
    if (this.#officeLive < this.#newest && link.kind === 'refused' && link.code === OFFICE_ERRORS.unknown.close)
      this.#turnBack();
    if (this.#live().hasBeenLive && this.#bridge !== null) {
      this.#bridge = null;
      this.#options.onChange('entries');
    }
    this.#mintAnew();
    for (const [segment, replica] of this.#replicas) {
      if (!replica.isLoaded || !replica.isSettled()) continue;
      if (replica.link.kind === 'live') this.#known.noteSent(segment);
      if (segment < this.#newest && this.#mayRetire(segment, replica)) this.#retire(segment, replica);
    }
  }

  #sealedNext(): number {
    return Math.max(...this.#all().map(({ sealedNext }) => sealedNext ?? 0));
  }

  #moveTo(segment: number): void {
    const former = this.#live();
    this.#newest = segment;
    this.#known.heardOf(segment);
    // It may be open already, and have been refused when the office did not have it yet.
    if (this.#isConnected) this.#live().connect();
    if (this.#isTyping) {
      former.setTyping(false);
      this.#live().setTyping(true);
    }
    for (const change of ['entries', 'link'] as const) this.#options.onChange(change);
    this.#evaluateSoon();
  }

  #turnBack(): void {
    this.#missing.add(this.#newest);
    this.#newest = this.#officeLive;
    this.#known.turnBack(this.#newest);
    this.#live();
    for (const change of ['entries', 'link'] as const) this.#options.onChange(change);
    this.#evaluateSoon();
  }

  #mintAnew(): void {
    for (const [segment, replica] of this.#replicas) {
      if (segment < this.#newest) for (const { id } of replica.refusedWith('sealed')) this.sendAnew(id);
    }
  }

  #mayRetire(segment: number, replica: SegmentReplica): boolean {
    if (this.#watched.has(segment) || replica.rows().length > 0) return false;
    return this.#live().hasBeenLive || replica.entries().length === 0;
  }

  #retire(segment: number, replica: SegmentReplica): void {
    if (this.isWhole(segment)) this.#options.onRetired(segment, replica.entries());
    this.#newestRetiredAt = Math.max(this.#newestRetiredAt, replica.newestAt);
    this.#replicas.delete(segment);
    const closing = replica.forget().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    this.#options.onChange('entries');
  }

  #unsentSegmentOf(id: string): number | undefined {
    const found = [...this.#replicas].find(([, replica]) => replica.has(id) && replica.stateOf(id) === 'clock');
    return found?.[0];
  }

  #renamedIn(draft: EntryDraft): EntryDraft {
    const renamed = (id: string | undefined) => (id === undefined ? undefined : this.#renamed.get(id));
    if (draft.kind === 'message') {
      const replyTo = renamed(draft.replyTo);
      return replyTo === undefined ? draft : { ...draft, replyTo };
    }
    if (!('target' in draft)) return draft;
    const target = renamed(draft.target);
    return target === undefined ? draft : { ...draft, target };
  }
}
