/**
 * The rooms that are open. A room is loaded once however many ask, answers only when it is loaded, and leaves memory
 * some time after its last connection.
 */
import type { UpdateLog } from '../../persistence/log/update-log.ts';
import type { Clock } from '../clock.ts';
import { type Logger, reasonOf } from '../logger.ts';
import { parseDocumentName } from '../protocol/document-name.ts';
import { OfficeError } from '../protocol/errors.ts';
import type { Peer } from './peer.ts';
import { Room, type RoomContext } from './room.ts';
import { loadDocument } from './room-document.ts';

/** An empty room stays in memory this long, in ms: people reload and come back. */
const IDLE_MS = 30_000;
/** After a refused write a room's log is not tried again for this long, in ms. */
const STORAGE_RETRY_MS = 2_000;

interface OpenRoom {
  readonly opening: Promise<Room>;
  room: Room | null;
  /** Work under way besides the connections. */
  uses: number;
  callOffIdle: (() => void) | null;
}

export type RoomsContext = Omit<RoomContext, 'onFailed' | 'onCommitted'> & {
  readonly log: UpdateLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What a freshly loaded room still needs, before anyone sees it (a first segment without its first entry). */
  prepare(room: Room): Promise<void>;
  /** Called with a room that is settled and about to be closed for want of connections. Never rejects. */
  checkIdle?(name: string): Promise<void>;
};

export class Rooms {
  readonly #context: RoomsContext;
  readonly #open = new Map<string, OpenRoom>();
  readonly #refusedUntil = new Map<string, number>();
  readonly #closing = new Set<Promise<void>>();
  #isDraining = false;
  #storageFailure: string | null = null;

  constructor(context: RoomsContext) {
    this.#context = context;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Why writes are refused; null while the disk takes them. */
  get storageFailure(): string | null {
    return this.#storageFailure;
  }

  /** Open rooms, loaded ones only. */
  *loaded(): Iterable<Room> {
    for (const { room } of this.#open.values()) if (room) yield room;
  }

  /** A room that is in memory. */
  find(name: string): Room | undefined {
    return this.#open.get(name)?.room ?? undefined;
  }

  /** A connection's way in. Resolves once the room is loaded and has greeted the peer. Rejects with the reason. */
  async join(name: string, peer: Peer): Promise<Room> {
    const open = this.#enter(name);
    try {
      const room = await open.opening;
      if (room.isFailed) throw new OfficeError('restarting', 'the room is being reopened');
      room.join(peer);
      return room;
    } finally {
      this.#leave(name, open);
    }
  }

  leave(room: Room, peer: Peer): void {
    room.leave(peer);
    const open = this.#open.get(room.name);
    if (open?.room === room) this.#scheduleIdle(room.name, open);
  }

  /** Runs with a loaded room that stays in memory until the work is done. */
  async use<T>(name: string, work: (room: Room) => Promise<T>): Promise<T> {
    const open = this.#enter(name);
    try {
      return await work(await open.opening);
    } finally {
      this.#leave(name, open);
    }
  }

  /** Takes no one in any more, closes every connection, and finishes what was begun. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const { closeCode } = new OfficeError('restarting', '');
    for (const room of this.loaded()) room.closePeers(closeCode, 'the office is restarting');
    await Promise.all([...this.#open].map(([name, open]) => this.#close(name, open)));
    await Promise.all(this.#closing);
  }

  #enter(name: string): OpenRoom {
    if (this.#isDraining) throw new OfficeError('restarting', 'the office is stopping', { retryAfterSeconds: 5 });
    const present = this.#open.get(name);
    if (present) {
      present.uses++;
      present.callOffIdle?.();
      present.callOffIdle = null;
      return present;
    }
    const open: OpenRoom = { opening: this.#load(name), room: null, uses: 1, callOffIdle: null };
    this.#open.set(name, open);
    open.opening.then(
      (room) => {
        if (!room.isFailed) open.room = room;
      },
      () => this.#forget(name, open),
    );
    return open;
  }

  #leave(name: string, open: OpenRoom): void {
    open.uses--;
    this.#scheduleIdle(name, open);
  }

  async #load(name: string): Promise<Room> {
    const ref = parseDocumentName(name);
    if (!ref) throw new OfficeError('unknown', 'no such document');
    const { log, clock, logger } = this.#context;
    const refusedUntil = this.#refusedUntil.get(name);
    if (refusedUntil !== undefined) {
      if (clock.now() < refusedUntil)
        throw new OfficeError('storage', 'the disk refuses changes', { retryAfterSeconds: 2 });
      await log.reopen(name);
      this.#refusedUntil.delete(name);
    }
    const loaded = await loadDocument(log, name);
    if (loaded.damage)
      logger.error('a document is damaged and can only be read', { document: name, reason: loaded.damage });
    const room: Room = new Room(name, ref, loaded, {
      ...this.#context,
      onCommitted: () => {
        this.#storageFailure = null;
      },
      onFailed: (error) => this.#failed(room, error),
    });
    await this.#context.prepare(room);
    return room;
  }

  #failed(room: Room, error: OfficeError): void {
    if (error.code === 'storage') {
      this.#storageFailure = error.message;
      this.#refusedUntil.set(room.name, this.#context.clock.now() + STORAGE_RETRY_MS);
    }
    const open = this.#open.get(room.name);
    if (open && (open.room === room || open.room === null)) this.#forget(room.name, open);
  }

  #scheduleIdle(name: string, open: OpenRoom): void {
    if (open.uses > 0 || open.callOffIdle || !open.room || open.room.peerCount > 0) return;
    open.callOffIdle = this.#context.clock.setTimer(() => {
      open.callOffIdle = null;
      const closing = this.#close(name, open).finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }, IDLE_MS);
  }

  /** Compacts a quiet room and forgets it, unless somebody came meanwhile. */
  async #close(name: string, open: OpenRoom): Promise<void> {
    const { room } = open;
    if (!room || (!this.#isDraining && (open.uses > 0 || room.peerCount > 0))) return;
    open.uses++;
    try {
      await room.settled();
      // Before the log is replaced by what the room holds.
      if (!this.#isDraining) await this.#context.checkIdle?.(name);
      await room.compact();
    } catch (error) {
      this.#context.logger.warn('a room was not settled or compacted', { document: name, reason: reasonOf(error) });
    } finally {
      open.uses--;
    }
    if (!this.#isDraining && (open.uses > 0 || room.peerCount > 0 || !room.isQuiet))
      return this.#scheduleIdle(name, open);
    this.#forget(name, open);
    room.destroy();
  }

  #forget(name: string, open: OpenRoom): void {
    open.callOffIdle?.();
    if (this.#open.get(name) === open) this.#open.delete(name);
  }
}
