/**
 * The rooms that are in memory. What happens to each is decided by `room-life.ts`; here are the clock, the log and
 * those who wait.
 */
import type { UpdateLog } from '../../persistence/log/update-log.ts';
import type { Clock } from '../clock.ts';
import { type Logger, reasonOf } from '../logger.ts';
import { parseDocumentName } from '../protocol/document-name.ts';
import { OFFICE_ERRORS, OfficeError } from '../protocol/errors.ts';
import { unreachable } from '../protocol/unreachable.ts';
import type { Tally } from '../tally.ts';
import type { Peer } from './peer.ts';
import { Room, type RoomContext } from './room.ts';
import { loadDocument } from './room-document.ts';
import { CLOSED, nextRoomLife, type RoomEffect, type RoomEvent, type RoomLife } from './room-life.ts';

/** An empty room stays in memory this long, in ms: people reload and come back. */
export const IDLE_MS = 30_000;
/** Rooms in memory at once. The longest empty one makes place for another; where none is empty, that is refused. */
export const MAX_OPEN_ROOMS = 4_000;
/** A room that closes waits this long for its projection, in ms; then it closes without compacting its log. */
export const PROJECTION_PATIENCE_MS = 5_000;
/** After a refused write a room's log is not tried again for this long, in ms. */
const STORAGE_RETRY_MS = 2_000;
/** Seconds after which a room that was refused may be asked for again. */
const FULL_RETRY_SECONDS = 5;

/** A document's place: it stays while its room is in memory, or somebody waits for it. */
interface Place {
  readonly name: string;
  life: RoomLife;
  room: Room | null;
  readonly waiting: PromiseWithResolvers<Room>[];
  /** Why those who wait are sent away. */
  refusal: unknown;
  callOffIdle: (() => void) | null;
}

export type RoomsContext = Omit<RoomContext, 'onFailed' | 'onCommitted'> & {
  readonly log: UpdateLog;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly logger: Logger;
  /** What a freshly loaded room still needs, before anyone sees it (a first segment without its first entry). */
  prepare(room: Room): Promise<void>;
  /** Called with a room that is settled and about to be closed for want of connections. Never rejects. */
  checkIdle?(name: string): Promise<void>;
};

export class Rooms {
  readonly #context: RoomsContext;
  readonly #places = new Map<string, Place>();
  readonly #refusedUntil = new Map<string, number>();
  /** Failed rooms whose last changes the log has not answered for yet, by document. */
  readonly #unanswered = new Map<string, Promise<void>>();
  /** Empty rooms, the longest empty first. */
  readonly #idle = new Set<Place>();
  #isDraining = false;
  /** Says that the last place is gone, once the office stops. */
  readonly #emptied = Promise.withResolvers<void>();
  #storageFailure: string | null = null;

  constructor(context: RoomsContext) {
    this.#context = context;
  }

  get count(): number {
    return this.#places.size;
  }

  /** Why writes are refused; null while the disk takes them. */
  get storageFailure(): string | null {
    return this.#storageFailure;
  }

  /** Rooms that answer. */
  *loaded(): Iterable<Room> {
    for (const { life, room } of this.#places.values()) if (life.kind === 'open' && room) yield room;
  }

  /** A room that is in memory. */
  find(name: string): Room | undefined {
    return this.#places.get(name)?.room ?? undefined;
  }

  /** A connection's way in. Resolves once the room is loaded and has greeted the peer. Rejects with the reason. */
  async join(name: string, peer: Peer): Promise<Room> {
    const room = await this.#enter(name);
    room.join(peer);
    return room;
  }

  leave(room: Room, peer: Peer): void {
    room.leave(peer);
    this.#leave(room);
  }

  /** Runs with a loaded room that stays in memory until the work is done. */
  async use<T>(name: string, work: (room: Room) => Promise<T>): Promise<T> {
    const room = await this.#enter(name);
    try {
      return await work(room);
    } finally {
      this.#leave(room);
    }
  }

  /** Takes no one in any more, closes every connection, and finishes what was begun. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const place of [...this.#places.values()]) {
      place.refusal = stopping();
      this.#happen(place, 'drain');
    }
    if (this.#places.size > 0) await this.#emptied.promise;
  }

  async #enter(name: string): Promise<Room> {
    if (this.#isDraining) throw stopping();
    const place = this.#places.get(name) ?? this.#newPlace(name);
    const waiting = Promise.withResolvers<Room>();
    place.waiting.push(waiting);
    this.#happen(place, 'enter');
    const room = await waiting.promise;
    // Between being let in and being here it may have failed, or the office may have begun to stop.
    if (place.room !== room || place.life.kind !== 'open') {
      throw new OfficeError('restarting', 'the room is being reopened', { retryAfterSeconds: 1 });
    }
    return room;
  }

  #leave(room: Room): void {
    const place = this.#places.get(room.name);
    // Its room may have failed, and another one stand in its place.
    if (place?.room === room) this.#happen(place, 'leave');
  }

  #newPlace(name: string): Place {
    if (this.#places.size >= MAX_OPEN_ROOMS) {
      const [longestIdle] = this.#idle;
      if (!longestIdle) {
        this.#context.tally.add('rooms_refused');
        throw new OfficeError('too_many', 'too many rooms are open', { retryAfterSeconds: FULL_RETRY_SECONDS });
      }
      this.#happen(longestIdle, 'idle');
    }
    const place: Place = { name, life: CLOSED, room: null, waiting: [], refusal: null, callOffIdle: null };
    this.#places.set(name, place);
    return place;
  }

  #happen(place: Place, event: RoomEvent): void {
    const { life, effects } = nextRoomLife(place.life, event);
    place.life = life;
    for (const effect of effects) this.#act(place, effect);
    if (place.life.kind !== 'closed') return;
    place.room = null;
    this.#places.delete(place.name);
    if (this.#isDraining && this.#places.size === 0) this.#emptied.resolve();
  }

  #act(place: Place, effect: RoomEffect): void {
    switch (effect) {
      case 'load':
        void this.#load(place);
        return;
      case 'admit':
        if (place.room) for (const { resolve } of place.waiting.splice(0)) resolve(place.room);
        return;
      case 'refuse':
        for (const { reject } of place.waiting.splice(0)) reject(place.refusal);
        return;
      case 'start-idling':
        this.#idle.add(place);
        place.callOffIdle = this.#context.clock.setTimer(() => this.#happen(place, 'idle'), IDLE_MS);
        return;
      case 'stop-idling':
        this.#idle.delete(place);
        place.callOffIdle?.();
        place.callOffIdle = null;
        return;
      case 'send-off':
        place.room?.closePeers(OFFICE_ERRORS.restarting.close, 'the office is restarting');
        return;
      case 'settle':
        void this.#settle(place);
        return;
      case 'destroy':
        place.room?.destroy();
        place.room = null;
        return;
      default:
        unreachable(effect);
    }
  }

  /** Never rejects. */
  async #load(place: Place): Promise<void> {
    try {
      const room = await this.#read(place);
      // What it began as it was prepared may have been refused meanwhile; nobody would hear of that later.
      if (room.isFailed) throw new OfficeError('restarting', 'the room could not be opened', { retryAfterSeconds: 1 });
      place.room = room;
    } catch (error) {
      place.refusal = error;
      this.#happen(place, 'failed');
      return;
    }
    this.#happen(place, 'loaded');
  }

  async #read(place: Place): Promise<Room> {
    const { name } = place;
    const ref = parseDocumentName(name);
    if (!ref) throw new OfficeError('unknown', 'no such document');
    const { log, logger } = this.#context;
    await this.#unanswered.get(name);
    await this.#reopen(name);
    const loaded = await loadDocument(log, name);
    if (loaded.damage)
      logger.error('a document is damaged and can only be read', { document: name, reason: loaded.damage });
    const room: Room = new Room(name, ref, loaded, {
      ...this.#context,
      onCommitted: () => {
        this.#storageFailure = null;
      },
      onFailed: (error) => this.#failed(place, room, error),
    });
    try {
      await this.#context.prepare(room);
    } catch (error) {
      room.destroy();
      throw error;
    }
    return room;
  }

  /** Lets a log be written to again that refused a change, some time after that. */
  async #reopen(name: string): Promise<void> {
    const refusedUntil = this.#refusedUntil.get(name);
    if (refusedUntil === undefined) return;
    if (this.#context.clock.now() < refusedUntil) {
      throw new OfficeError('storage', 'the disk refuses changes', { retryAfterSeconds: 2 });
    }
    await this.#context.log.reopen(name);
    this.#refusedUntil.delete(name);
  }

  #failed(place: Place, room: Room, error: OfficeError): void {
    if (error.code === 'storage') {
      this.#storageFailure = error.message;
      this.#refusedUntil.set(room.name, this.#context.clock.now() + STORAGE_RETRY_MS);
    }
    const answered = room.answered().then(() => {
      if (this.#unanswered.get(room.name) === answered) this.#unanswered.delete(room.name);
    });
    this.#unanswered.set(room.name, answered);
    // One that fails while it is being prepared is refused by whoever prepares it.
    if (place.room !== room) return;
    place.room = null;
    this.#happen(place, 'failed');
  }

  /** Never rejects. */
  async #settle(place: Place): Promise<void> {
    const { room, name } = place;
    try {
      await room?.durable();
      // From here on a fresh room would read all there is. Only the log has to wait for the projection to be shortened.
      if (room && (await this.#isProjected(room))) {
        // Before the log is replaced by what the room holds.
        if (!this.#isDraining) await this.#context.checkIdle?.(name);
        await room.compact();
      }
    } catch (error) {
      this.#context.logger.warn('a room was not settled or compacted', { document: name, reason: reasonOf(error) });
    }
    // One that failed meanwhile is gone already.
    if (place.room === room) this.#happen(place, 'settled');
  }

  /** Whether all of a room is projected, or will be within a moment. Rejects where the room fails before. */
  async #isProjected(room: Room): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const callOff = this.#context.clock.setTimer(() => resolve(false), PROJECTION_PATIENCE_MS);
    try {
      return await Promise.race([room.settled().then(() => true), late]);
    } finally {
      callOff();
    }
  }
}

const stopping = (): OfficeError =>
  new OfficeError('restarting', 'the office is stopping', { retryAfterSeconds: FULL_RETRY_SECONDS });
