/**
 * This device's replica of one segment: the only place that touches Yjs.
 *
 *   IndexedDB -> Y.Doc <-> /sync/<document>
 *                  |            |
 *               entries      receipts, nacks, hello
 *                  v            v
 *              listener(what changed) -> a store
 *
 * Invariants: an entry is set once, under an id made when it was sent, and sending it again is Yjs's own sync.
 * An entry counts as saved only when the server itself said so: by a receipt, by its state vector, or by sending it.
 */
import * as decoding from 'lib0/decoding';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import type { z } from 'zod';
import {
  compareEntries,
  type Entry,
  nextAt,
  type PersonEntry,
  personEntrySchema,
  readEntry,
} from '../../sync-server/protocol/entry.ts';
import { FRAME, type NackCode, readHello, readNack, readReceipt, SYNC } from '../../sync-server/protocol/frames.ts';
import { presenceSchema } from '../../sync-server/protocol/presence.ts';
import { entriesOf, type LiveRow, liveOf, readLiveRows, writeEntry } from '../../sync-server/protocol/segment.ts';
import { waitBeforeReconnect } from './backoff.ts';
import { newUlid, type Shelf } from './device.ts';
import { DeviceCopy } from './device-copy.ts';
import { HANDSHAKE_MS } from './events.ts';
import { Outbox } from './outbox.ts';
import { ReplicaMarks } from './replica-marks.ts';

/** How long the device's copy may take to load before the network is tried anyway. */
const LOAD_PATIENCE_MS = 5_000;
const RECONNECT_BASE_MS = 1_500;
const RECONNECT_SPREAD_MS = 2_500;
const KEEP_SAVED_MS = 250;

export type EntryState = 'clock' | 'tick' | 'unsent';
export type ReplicaLink =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'offline' }
  | { readonly kind: 'refused'; readonly code: number; readonly reason: string };

/** A person who has this session open. */
export interface Present {
  readonly id: string;
  readonly name: string;
  readonly isTyping: boolean;
}

export type ReplicaChange = 'entries' | 'rows' | 'states' | 'presence' | 'link' | 'loaded' | 'storage';

type DistributiveOmit<T, Keys extends PropertyKey> = T extends unknown ? Omit<T, Keys> : never;
/** What a person says; id, author and time are added when it is sent. */
export type EntryDraft = DistributiveOmit<z.input<typeof personEntrySchema>, 'id' | 'author' | 'at'>;

export interface ReplicaOptions {
  /** `ws(s)://host/sync` */
  readonly syncUrl: string;
  readonly documentName: string;
  readonly user: { readonly id: string; readonly name: string };
  readonly hasIndexedDb: boolean;
  readonly shelf: Shelf;
  /** Whether tabs of one browser tell each other directly, too. */
  readonly isSharedBetweenTabs: boolean;
  /** How far the office's clock is ahead of this device's, as far as that is known yet; ms. */
  readonly officeOffsetMs?: number;
  readonly onChange: (change: ReplicaChange) => void;
}

export class SegmentReplica {
  readonly #options: ReplicaOptions;
  readonly #doc = new Y.Doc();
  readonly #provider: WebsocketProvider;
  readonly #copy: DeviceCopy | null;
  readonly #outbox: Outbox;
  readonly #entries = new Map<string, Entry>();
  readonly #marks: ReplicaMarks;
  readonly #loading: Promise<void>;
  #newestAt = 0;
  #officeOffsetMs: number;
  #sealedNext: number | null = null;
  #link: ReplicaLink = { kind: 'waiting' };
  #hasBeenLive = false;
  #isLoaded = false;
  #isClosed = false;
  #handshakeTimer: ReturnType<typeof setTimeout> | undefined;
  #keepTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    const { user, documentName } = options;
    this.#officeOffsetMs = options.officeOffsetMs ?? 0;
    this.#outbox = new Outbox(options.shelf, user.id, documentName);
    this.#marks = new ReplicaMarks(options.shelf, user.id, documentName);
    for (const { at } of this.#outbox.entries) this.#newestAt = Math.max(this.#newestAt, at);
    this.#provider = new WebsocketProvider(options.syncUrl, documentName, this.#doc, {
      connect: false,
      params: { receipts: '1', as: user.id },
      maxBackoffTime: RECONNECT_BASE_MS,
      disableBc: !options.isSharedBetweenTabs,
    });
    // Two people on one device must never mix: the channel between tabs carries the user too.
    this.#provider.bcChannel = `daena/${user.id}/${documentName}`;
    this.#listen();
    this.#copy = options.hasIndexedDb ? new DeviceCopy(`daena/${user.id}/${documentName}`, this.#doc) : null;
    this.#provider.awareness.setLocalState({ user: { id: user.id, name: user.name } });
    this.#loading = this.#load();
  }

  get link(): ReplicaLink {
    return this.#link;
  }

  /** Whether the device's own copy has been read: from here on what is there is shown. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Whether the server has sent what it had, at least once since this replica was opened. */
  get hasBeenLive(): boolean {
    return this.#hasBeenLive;
  }

  /** The segment that follows, once the server has ended this one; null before. */
  get sealedNext(): number | null {
    return this.#sealedNext;
  }

  /** The newest `at` of its entries, in ms; 0 where there is none. */
  get newestAt(): number {
    return this.#newestAt;
  }

  get officeOffsetMs(): number {
    return this.#officeOffsetMs;
  }

  /** This device's clock, corrected by the office's; ms. */
  officeNow(): number {
    return Date.now() + this.#officeOffsetMs;
  }

  /** Entries to show, in no order. A refused message stays, so that its words are not lost; other refused changes don't count. */
  entries(): Entry[] {
    const unheard = [...this.#outbox.entries, ...this.#marks.refusedEntries].filter(({ id }) => !this.#entries.has(id));
    return [...this.#entries.values(), ...unheard].filter(
      ({ id, kind }) => !this.#marks.isDropped(id) && (kind === 'message' || this.#marks.refusalOf(id) === undefined),
    );
  }

  has(id: string): boolean {
    return this.#entries.has(id) || this.#outbox.entries.some((entry) => entry.id === id);
  }

  /** This person's entries that the server is not known to have: on their way, or refused. */
  unsettled(): Entry[] {
    return this.entries().filter(({ id, author }) => author === this.#options.user.id && this.stateOf(id) !== 'tick');
  }

  /** Whether the server has every entry of this person that is shown. */
  isSettled(): boolean {
    return this.#outbox.entries.length === 0 && this.unsettled().length === 0;
  }

  rows(): LiveRow[] {
    return readLiveRows(this.#doc);
  }

  /** Who has this session open, each person once. */
  people(): Present[] {
    const byId = new Map<string, Present>();
    for (const state of this.#provider.awareness.getStates().values()) {
      const presence = presenceSchema.safeParse(state);
      if (!presence.success) continue;
      const { user, isTyping = false } = presence.data;
      byId.set(user.id, { ...user, isTyping: isTyping || byId.get(user.id)?.isTyping === true });
    }
    return [...byId.values()];
  }

  stateOf(id: string): EntryState {
    if (this.#marks.refusalOf(id) !== undefined) return 'unsent';
    const place = entriesOf(this.#doc)._map.get(id)?.id;
    return place !== undefined && (this.#marks.saved.get(place.client) ?? 0) > place.clock ? 'tick' : 'clock';
  }

  /** Why the server refused an entry; undefined where it did not. */
  refusalOf(id: string): NackCode | undefined {
    return this.#marks.refusalOf(id);
  }

  /** Connects, and stays so. Call once the session is known to the server. */
  connect(): void {
    // What this device holds comes first: for what it refused the server has an empty place, which must not win.
    void this.#loading.then(() => {
      if (!this.#isClosed && !this.#provider.shouldConnect) this.#provider.connect();
    });
  }

  /**
   * Writes an entry; it is on this device from here on, and on its way. Answers null where it breaks the entries' form.
   * @param after the newest `at` that its author has seen elsewhere, in ms
   */
  append(draft: EntryDraft, after = 0): PersonEntry | null {
    const at = nextAt(this.officeNow(), Math.max(this.#newestAt, after));
    const parsed = personEntrySchema.safeParse({ ...draft, id: newUlid(at), author: this.#options.user.id, at });
    if (!parsed.success) return null;
    this.#outbox.hold(parsed.data);
    writeEntry(this.#doc, parsed.data);
    return parsed.data;
  }

  /** Entries that were refused with this code and are still shown, oldest first. */
  refusedWith(code: NackCode): readonly PersonEntry[] {
    return this.#marks.refusedEntries.filter(({ id }) => this.refusalOf(id) === code).sort(compareEntries);
  }

  /** What a refused entry said, to be sent as a new one; null where it was not refused. */
  draftOf(id: string): EntryDraft | null {
    const entry = this.#entries.get(id) ?? this.#marks.refusedEntries.find((other) => other.id === id);
    const parsed = personEntrySchema.safeParse(entry);
    if (!parsed.success || this.#marks.refusalOf(id) === undefined) return null;
    const { id: _id, author: _author, at: _at, ...draft } = parsed.data;
    return draft;
  }

  /** Sends the words of a refused entry as a new one. */
  sendAnew(id: string): PersonEntry | null {
    const draft = this.draftOf(id);
    const sent = draft && this.append(draft);
    if (sent) this.drop(id);
    return sent;
  }

  /** Gives a refused entry up. */
  drop(id: string): void {
    if (this.#marks.refusalOf(id) === undefined) return;
    this.#marks.drop(id);
    this.#options.onChange('entries');
  }

  setTyping(isTyping: boolean): void {
    this.#provider.awareness.setLocalStateField('isTyping', isTyping);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#keepTimer);
    clearTimeout(this.#handshakeTimer);
    await this.#writeMarks();
    this.#leave();
    // A database that failed has said so by `storage`.
    await this.#copy?.close().catch(() => undefined);
    this.#doc.destroy();
  }

  /** Closes it and throws this device's copy away: the server has all of it. */
  async forget(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#keepTimer);
    clearTimeout(this.#handshakeTimer);
    this.#leave();
    // A copy that cannot be thrown away only takes room.
    await this.#copy?.forget().catch(() => undefined);
    this.#doc.destroy();
  }

  #leave(): void {
    this.#provider.destroy();
    this.#provider.awareness.destroy();
  }

  async #load(): Promise<void> {
    if (this.#copy !== null) {
      await Promise.race([
        this.#copy.whenRead.then(() => this.#readMarks()),
        new Promise((resolve) => setTimeout(resolve, LOAD_PATIENCE_MS)),
      ]).catch(() => this.#options.onChange('storage'));
    }
    if (this.#isClosed) return;
    this.#isLoaded = true;
    this.#options.onChange('loaded');
  }

  #listen(): void {
    const { onChange } = this.#options;
    entriesOf(this.#doc).observe((event) => {
      for (const key of event.keysChanged) {
        const entry = readEntry(entriesOf(this.#doc).get(key));
        if (entry === null) this.#entries.delete(key);
        else {
          this.#entries.set(key, entry);
          if (entry.kind === 'sealed') this.#sealedNext = entry.next;
          this.#newestAt = Math.max(this.#newestAt, entry.at);
        }
      }
      onChange('entries');
    });
    liveOf(this.#doc).observeDeep(() => onChange('rows'));
    this.#provider.awareness.on('change', () => onChange('presence'));
    this.#provider.on('status', ({ status }) => {
      if (this.#link.kind === 'refused' && status !== 'connected') return;
      this.#watchHandshake();
      this.#setLink({
        kind: status === 'connected' ? 'connecting' : status === 'connecting' ? 'connecting' : 'offline',
      });
    });
    this.#provider.on('sync', (isSynced) => {
      if (!isSynced) return;
      this.#hasBeenLive = true;
      this.#setLink({ kind: 'live' });
      this.#sendUnheard();
    });
    this.#provider.on('connection-close', (event) => {
      waitBeforeReconnect(this.#provider, event?.reason ?? '', RECONNECT_BASE_MS + Math.random() * RECONNECT_SPREAD_MS);
      if (this.#link.kind !== 'refused') this.#setLink({ kind: 'offline' });
    });
    this.#provider.on('closed', ({ code, reason }) => this.#setLink({ kind: 'refused', code, reason }));
    this.#listenToServer();
  }

  /** Frames that came from the server: those from another tab of this browser say nothing about what is durable. */
  #listenToServer(): void {
    const handlers = this.#provider.messageHandlers;
    const stock = handlers[FRAME.sync];
    handlers[FRAME.sync] = (encoder, decoder, provider, isFromServer, type) => {
      const peek = isFromServer ? decoding.clone(decoder) : null;
      stock?.(encoder, decoder, provider, isFromServer, type);
      if (peek) this.#noteServerState(peek);
    };
    handlers[FRAME.hello] = (_encoder, decoder) => {
      const hello = readHello(decoder);
      this.#officeOffsetMs = hello.time - Date.now();
      this.#marks.meet(hello.epoch);
      this.#options.onChange('states');
    };
    handlers[FRAME.receipt] = (_encoder, decoder) => this.#noteSaved(readReceipt(decoder));
    handlers[FRAME.nack] = (_encoder, decoder) => {
      const nack = readNack(decoder);
      this.#officeOffsetMs = nack.time - Date.now();
      const entry = personEntrySchema.safeParse(this.#entries.get(nack.entry ?? ''));
      if (nack.entry === null || !entry.success) return;
      this.#marks.refuse(entry.data, nack.code);
      this.#outbox.release(new Set([nack.entry]));
      this.#keep();
      this.#options.onChange('entries');
      // A clock that ran ahead is this device's fault, and now corrected: nobody needs to press Retry for it.
      if (nack.code === 'clock') this.sendAnew(nack.entry);
    };
  }

  /** Ends an attempt to connect that hangs, so that the next one can begin. */
  #watchHandshake(): void {
    clearTimeout(this.#handshakeTimer);
    const socket = this.#provider.ws;
    if (!this.#provider.wsconnecting || socket === null) return;
    this.#handshakeTimer = setTimeout(() => {
      if (this.#provider.ws === socket && this.#provider.wsconnecting) socket.close();
    }, HANDSHAKE_MS);
  }

  #noteServerState(decoder: decoding.Decoder): void {
    const kind = decoding.readVarUint(decoder);
    const bytes = decoding.readVarUint8Array(decoder);
    this.#noteSaved(kind === SYNC.step1 ? Y.decodeStateVector(bytes) : Y.parseUpdateMeta(bytes).to);
  }

  #noteSaved(clocks: ReadonlyMap<number, number>): void {
    if (this.#marks.noteSaved(clocks)) this.#savedMoved();
  }

  #savedMoved(): void {
    this.#outbox.release(new Set(this.#outbox.entries.map(({ id }) => id).filter((id) => this.stateOf(id) === 'tick')));
    this.#keep();
    this.#options.onChange('states');
  }

  /** An entry that was written as its tab closed, and that neither this device's copy nor the server has: the first set of its key. */
  #sendUnheard(): void {
    for (const entry of this.#outbox.entries) if (!this.#entries.has(entry.id)) writeEntry(this.#doc, entry);
  }

  #setLink(link: ReplicaLink): void {
    if (this.#isClosed || link.kind === this.#link.kind) return;
    this.#link = link;
    this.#options.onChange('link');
  }

  #keep(): void {
    if (this.#isClosed) return;
    this.#keepTimer ??= setTimeout(() => {
      this.#keepTimer = undefined;
      void this.#writeMarks();
    }, KEEP_SAVED_MS);
  }

  async #writeMarks(): Promise<void> {
    const store = this.#copy?.marks ?? null;
    if (store === null) return;
    try {
      await this.#marks.write(store);
    } catch {
      this.#options.onChange('storage');
    }
  }

  async #readMarks(): Promise<void> {
    const store = this.#copy?.marks ?? null;
    if (store === null) return;
    await this.#marks.read(store);
    this.#savedMoved();
  }
}
