/**
 * What the HTTP API does with sessions: checks the right to it, then acts through the room, so that a change by HTTP and
 * one by a browser take the same way.
 */
import { randomBytes } from 'node:crypto';
import type { SessionRecord } from '../persistence/projection/session-record.ts';
import type { SessionStore } from '../persistence/projection/session-store.ts';
import type { Clock } from './clock.ts';
import type { RouteRequest } from './protocol/api.ts';
import { type Mention, OFFICE_AUTHOR, type OfficeEntry, type PersonEntry } from './protocol/entry.ts';
import { OfficeError } from './protocol/errors.ts';
import { deriveId, isUlid, makeUlid, type SessionId, ULID_RANDOM_BYTES, type Ulid } from './protocol/ids.ts';
import { agentOf, councilOf, departmentOf } from './protocol/organisation.ts';
import { permission, type SessionAction } from './protocol/permission.ts';
import type { Person } from './protocol/principal.ts';
import { resolveScope, type Scope } from './protocol/scope.ts';
import type { WireMessage, WireSession } from './protocol/wire.ts';
import type { LiveRooms } from './room/live-rooms.ts';
import type { Room } from './room/room.ts';

/** How long a caller waits until what they wrote is durable and projected, in ms; it may still become so afterwards. */
const WRITE_TIMEOUT_MS = 15_000;

type StartRequest = RouteRequest<'startChat'>['body'];

export class Sessions {
  readonly #store: SessionStore;
  readonly #live: LiveRooms;
  readonly #clock: Clock;

  constructor(store: SessionStore, live: LiveRooms, clock: Clock) {
    this.#store = store;
    this.#live = live;
    this.#clock = clock;
  }

  /** Makes a session, or answers the one that is there under the caller's id. Rejects with `conflict` where that is another. */
  async start(person: Person, request: StartRequest): Promise<WireSession> {
    const scope = resolveScope(request.scope_type, request.scope_id);
    if (!scope) throw new OfficeError('bad_request', `there is no ${request.scope_type} "${request.scope_id ?? ''}"`);
    const id = toSessionId(request.session_id) ?? this.newId();
    const outcome = this.#store.create({
      id,
      scope,
      owner: person.id,
      title: request.title ?? defaultTitle(scope),
      isPrivate: request.is_private ?? false,
      members: request.members ?? [],
      at: this.#clock.now(),
    });
    if (outcome === 'conflict') throw new OfficeError('conflict', 'another session has this id');
    // Opening the room writes the session's first entry where it is missing: also after a kill between the two.
    await this.#use(id, async () => undefined);
    return this.wire(person, id);
  }

  /** The session, if this person may do that in it; what they may not read is unknown to them. */
  require(person: Person, id: string, action: SessionAction): SessionRecord {
    const session = this.#store.get(id);
    if (!session || !permission(person, session, 'read')) throw new OfficeError('unknown', 'no such session');
    if (!permission(person, session, action)) {
      throw new OfficeError('forbidden', session.isBinned ? 'this session is in the bin' : 'you may not do this here');
    }
    return session;
  }

  /** The session's row as this person reads it. Throws `unknown` where there is none. */
  wire(person: Person, id: string): WireSession {
    const session = this.#store.wire(id, person.id);
    if (!session) throw new OfficeError('unknown', 'no such session');
    return session;
  }

  async postMessage(
    person: Person,
    id: string,
    message: {
      readonly content: string;
      readonly mentions?: readonly Mention[] | undefined;
      readonly message_id?: string | undefined;
    },
  ): Promise<WireMessage> {
    this.require(person, id, 'write');
    const entryId = toUlid(message.message_id) ?? this.newId();
    const known = this.#store.message(id, entryId);
    if (known) {
      // Asked again with the same id: the same answer, if it is the same message.
      if (known.author_id === person.id && known.content === message.content) return known;
      throw new OfficeError('conflict', 'another message has this id');
    }
    await this.append(person, id, (at) => ({
      id: entryId,
      kind: 'message',
      author: person.id,
      at,
      body: message.content,
      mentions: [...(message.mentions ?? [])],
    }));
    const stored = this.#store.message(id, entryId);
    if (!stored) throw new OfficeError('internal', 'the message is saved but cannot be read back yet');
    return stored;
  }

  async rename(person: Person, id: string, title: string): Promise<WireSession> {
    this.require(person, id, 'manage');
    await this.append(person, id, (at) => ({ id: this.newId(), kind: 'title', author: person.id, at, title }));
    return this.wire(person, id);
  }

  /** Moves to the bin, or out of it; nothing happens where it is there already. */
  async setBinned(person: Person, id: string, isBinned: boolean): Promise<WireSession> {
    const session = this.require(person, id, 'manage');
    if (session.isBinned !== isBinned) {
      const kind = isBinned ? 'binned' : 'restored';
      await this.appendAsOffice(id, (at) => ({
        id: deriveId(kind, id, at),
        kind,
        author: OFFICE_AUTHOR,
        at,
        by: person.id,
      }));
    }
    return this.wire(person, id);
  }

  /** Adds an entry as a person, through the gate; resolves when it is durable and projected. */
  append(person: Person, id: string, makeEntry: (at: number) => PersonEntry): Promise<PersonEntry> {
    const session = this.require(person, id, 'read');
    return this.#use(session.id, (room) => room.entries.appendAs(person, makeEntry));
  }

  /** Adds an entry of the office's own; resolves when it is durable and projected. */
  appendAsOffice(id: string, makeEntry: (at: number) => OfficeEntry): Promise<void> {
    return this.#use(id, (room) => room.entries.appendAsOffice(makeEntry));
  }

  newId(): Ulid {
    return makeUlid(this.#clock.now(), randomBytes(ULID_RANDOM_BYTES));
  }

  /** Works in the session's live segment, within a bounded time. */
  #use<T>(id: string, work: (room: Room) => Promise<T>): Promise<T> {
    return this.#bounded(this.#live.use(id, work));
  }

  #bounded<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const late = new OfficeError('storage', 'the disk is slow: this may be saved already, or not', {
      retryAfterSeconds: 5,
    });
    const callOff = this.#clock.setTimer(() => reject(late), WRITE_TIMEOUT_MS);
    work.then(resolve, reject).finally(callOff);
    return promise;
  }
}

const toUlid = (id: string | undefined): Ulid | null => (id !== undefined && isUlid(id) ? id : null);
const toSessionId = (id: string | undefined): SessionId | null => toUlid(id);

function defaultTitle(scope: Scope): string {
  const name = scope.id ? (departmentOf(scope.id)?.name ?? councilOf(scope.id)?.name ?? agentOf(scope.id)?.name) : null;
  return name ?? 'New chat';
}
