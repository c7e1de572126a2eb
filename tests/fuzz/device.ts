import * as Y from 'yjs';
import { parseDocumentName, segmentName } from '../../sync-server/protocol/document-name.ts';
import type { PersonEntry } from '../../sync-server/protocol/entry.ts';
import type { NackCode } from '../../sync-server/protocol/frames.ts';
import { makeUlid, type SessionId, ULID_RANDOM_BYTES } from '../../sync-server/protocol/ids.ts';
import { entriesOf } from '../../sync-server/protocol/segment.ts';
import { type PeerOptions, SegmentPeer } from './segment-peer.ts';

export interface DeviceOptions extends PeerOptions {
  readonly author: string;
}

/**
 * One person's device with a session: a peer in each of its segments. It stays in a segment until it sees there that it
 * was sealed, and then goes on in the next; what it wrote before is still brought to where it was written.
 */
export class Device {
  readonly author: string;
  readonly #options: DeviceOptions;
  readonly #sessionId: SessionId;
  readonly #peers: SegmentPeer[] = [];
  #isOnline = true;
  /** Everything that it ever held, by entry id, as JSON. */
  readonly seen = new Map<string, string>();
  /** Ids of entries whose value changed while it looked. */
  readonly changed: string[] = [];
  /** Ids of entries that it held, and whose key it lost. */
  readonly gone = new Set<string>();
  /** Ids of entries that the server did not take. */
  readonly refused = new Set<string>();
  /** Ids under which it said something in a segment that was full, and that it said again under another. */
  readonly moved = new Set<string>();
  /** Close codes that end a connection for good: an honest device never hears one. */
  readonly verdicts: number[] = [];

  constructor(options: DeviceOptions) {
    this.author = options.author;
    this.#options = options;
    const name = parseDocumentName(options.document);
    if (name?.kind !== 'segment') throw new RangeError(`no segment: ${options.document}`);
    this.#sessionId = name.sessionId;
    this.#openThrough(name.segment);
  }

  /** Opens the segments up to this one, from the first on. */
  #openThrough(segment: number): void {
    while (this.#peers.length < segment) {
      const document = segmentName(this.#sessionId, this.#peers.length + 1);
      const peer = new SegmentPeer({ ...this.#options, document }, this.#listener, this.#isOnline);
      this.#peers.push(peer);
    }
  }

  readonly #listener = {
    onEntry: (id: string, value: unknown): void => {
      // Refused, a change is deleted wherever it is, also where it was made.
      if (value === undefined) return void this.gone.add(id);
      const text = JSON.stringify(value);
      if (this.seen.has(id) && this.seen.get(id) !== text) this.changed.push(id);
      this.seen.set(id, text);
      const next = nextSegment(value);
      // Not within the transaction that brought it.
      if (next !== null) queueMicrotask(() => this.#openThrough(next));
    },
    onRefused: (id: string, code: NackCode, own: PersonEntry | null): void => {
      if (code !== 'sealed' || !own) return void this.refused.add(id);
      // The segment had ended and was full: it is said again where the session goes on.
      this.moved.add(id);
      const random = crypto.getRandomValues(new Uint8Array(ULID_RANDOM_BYTES));
      this.write([{ ...own, id: makeUlid(own.at, random) }]);
    },
    onVerdict: (code: number): void => void this.verdicts.push(code),
  };

  get #newest(): SegmentPeer {
    const newest = this.#peers.at(-1);
    if (!newest) throw new RangeError('a device without a segment');
    return newest;
  }

  /** Its replicas, the first segment's first. */
  get documents(): readonly Y.Doc[] {
    return this.#peers.map(({ doc }) => doc);
  }

  get isSynced(): boolean {
    return this.#peers.every((peer) => peer.isSynced);
  }

  /** Whether it is meant to be connected. */
  get isOnline(): boolean {
    return this.#isOnline;
  }

  get isConnected(): boolean {
    return this.#peers.some((peer) => peer.isConnected);
  }

  /** The entries as one change of the segment in which it is. */
  write(entries: readonly PersonEntry[]): void {
    this.#newest.write(entries);
  }

  get written(): readonly PersonEntry[] {
    return this.#peers.flatMap(({ written }) => written);
  }

  /** Of its own entries those of which the server said that they are durable. */
  get promised(): readonly PersonEntry[] {
    return this.#peers.flatMap(({ promised }) => promised);
  }

  /** What it holds of the session, by entry id. */
  get held(): ReadonlyMap<string, unknown> {
    return new Map(this.documents.flatMap((doc) => [...entriesOf(doc).entries()]));
  }

  /** Sends a frame past the providers, where it is connected. */
  sendRaw(frame: Uint8Array): void {
    this.#newest.sendRaw(frame);
  }

  /** Connections that break from here on stay broken. */
  stayAway(): void {
    this.#isOnline = false;
    for (const peer of this.#peers) peer.stayAway();
  }

  goOffline(): void {
    this.#isOnline = false;
    for (const peer of this.#peers) peer.disconnect();
  }

  comeBack(): void {
    this.#isOnline = true;
    for (const peer of this.#peers) peer.connect();
  }

  /** The page is loaded again: what the device holds is kept, under new client ids from here on. */
  reload(): void {
    for (const peer of this.#peers) peer.reload();
  }

  /** Gives another tab of the same browser all that this one holds. */
  shareWith(tab: Device): void {
    tab.#openThrough(this.#peers.length);
    for (const [index, doc] of this.documents.entries()) {
      const other = tab.documents[index];
      if (other) Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
    }
  }

  leave(): void {
    for (const peer of this.#peers) peer.leave();
  }
}

/** The segment in which a session goes on, where the value is the entry that says so. */
function nextSegment(value: unknown): number | null {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('next' in value)) return null;
  return value.kind === 'sealed' && typeof value.next === 'number' ? value.next : null;
}
