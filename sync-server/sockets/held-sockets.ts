/**
 * The WebSockets that are open, whatever they are for: that they still live, whose they are, and that their holder is
 * still who they were when they came.
 */
import type { WebSocket } from 'ws';
import type { Clock } from '../clock.ts';
import { type Logger, reasonOf } from '../logger.ts';
import { OFFICE_ERRORS, OfficeError } from '../protocol/errors.ts';
import type { Tally } from '../tally.ts';
import { closeSocket } from './close-socket.ts';

/** Sockets that one person may hold: tabs times documents, with room to spare. */
export const MAX_SOCKETS_PER_PERSON = 200;
/** Sockets are pinged this often, in ms; one that did not answer the last ping is cut. */
export const PING_INTERVAL_MS = 30_000;
/** Pings after which a socket's credentials are looked at again: a session that merely runs out tells nobody. */
const PINGS_PER_RECHECK = 4;

/** Going away in peace, vanishing, and ours; what else a peer may say is counted together, for it may say anything. */
const KNOWN_CLOSES: ReadonlySet<number> = new Set([
  1000,
  1001,
  1005,
  1006,
  ...Object.values(OFFICE_ERRORS).map(({ close }) => close),
]);

interface Held {
  isAlive: boolean;
  pings: number;
  /** Rejects with an `OfficeError` where whoever opened the socket may not hold it any more. */
  recheck: (() => Promise<void>) | null;
  /** The looks at its credentials, one after the other: the first that refuses says why. Never rejects. */
  looks: Promise<void>;
}

export class HeldSockets {
  readonly #clock: Clock;
  readonly #tally: Tally;
  readonly #logger: Logger;
  readonly #held = new Map<WebSocket, Held>();
  readonly #byPerson = new Map<string, Set<WebSocket>>();
  readonly #closes = new Map<string, number>();
  #callOffPing: () => void;

  constructor(clock: Clock, tally: Tally, logger: Logger) {
    this.#clock = clock;
    this.#tally = tally;
    this.#logger = logger;
    this.#callOffPing = this.#pingLater();
  }

  get count(): number {
    return this.#held.size;
  }

  /** Sockets of whoever holds the most. */
  get mostOfOnePerson(): number {
    let most = 0;
    for (const { size } of this.#byPerson.values()) most = Math.max(most, size);
    return most;
  }

  /** Bytes that wait for the socket that reads most slowly. */
  get mostUnsentBytes(): number {
    let most = 0;
    for (const { bufferedAmount } of this.#held.keys()) most = Math.max(most, bufferedAmount);
    return most;
  }

  /** Sockets that closed, by the code that ended them; those of no known meaning together under `other`. */
  get closes(): ReadonlyMap<string, number> {
    return this.#closes;
  }

  /** Takes a socket in, until it closes. */
  add(socket: WebSocket): void {
    const held: Held = { isAlive: true, pings: 0, recheck: null, looks: Promise.resolve() };
    this.#held.set(socket, held);
    socket.on('pong', () => {
      held.isAlive = true;
    });
    // Without a listener a broken frame would end the process; the close that follows is what matters.
    socket.on('error', (error) => this.#logger.info('a socket broke', { reason: error.message }));
    socket.on('close', (code) => {
      this.#held.delete(socket);
      const key = KNOWN_CLOSES.has(code) ? String(code) : 'other';
      this.#closes.set(key, (this.#closes.get(key) ?? 0) + 1);
    });
  }

  /** Says whose a socket is. Throws `too_many` where that person holds too many already. */
  giveTo(personId: string, socket: WebSocket, recheck: () => Promise<void>): void {
    const sockets = this.#byPerson.get(personId) ?? new Set();
    if (sockets.size >= MAX_SOCKETS_PER_PERSON) {
      this.#tally.add('sockets_refused');
      throw new OfficeError('too_many', `one person can hold ${MAX_SOCKETS_PER_PERSON} sockets`);
    }
    this.#byPerson.set(personId, sockets.add(socket));
    const held = this.#held.get(socket);
    if (held) held.recheck = recheck;
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) this.#byPerson.delete(personId);
    });
  }

  /** What a person may do has changed: closes each of their sockets that could not be opened now as it was then. */
  recheckAllOf(personId: string): void {
    const { closeCode } = new OfficeError('forbidden', '');
    for (const socket of this.#byPerson.get(personId) ?? []) {
      this.#recheck(socket, () => closeSocket(socket, closeCode, 'your access has changed'));
    }
  }

  /** Closes every socket with "try again". */
  closeAll(): void {
    this.#callOffPing();
    const { closeCode } = new OfficeError('restarting', '');
    for (const socket of this.#held.keys()) closeSocket(socket, closeCode, 'the office is restarting');
  }

  /** Cuts what did not close by itself. */
  terminateAll(): void {
    for (const socket of this.#held.keys()) socket.terminate();
  }

  #pingLater(): () => void {
    return this.#clock.setTimer(() => {
      for (const [socket, held] of this.#held) this.#ping(socket, held);
      this.#callOffPing = this.#pingLater();
    }, PING_INTERVAL_MS);
  }

  #ping(socket: WebSocket, held: Held): void {
    if (!held.isAlive) {
      socket.terminate();
      return;
    }
    held.isAlive = false;
    held.pings += 1;
    socket.ping();
    if (held.pings % PINGS_PER_RECHECK !== 0) return;
    this.#recheck(socket, (refusal) => closeSocket(socket, refusal.closeCode, refusal.message));
  }

  #recheck(socket: WebSocket, close: (refusal: OfficeError) => void): void {
    const held = this.#held.get(socket);
    const recheck = held?.recheck;
    if (!held || !recheck) return;
    held.looks = held.looks.then(recheck).catch((error: unknown) => {
      // An error of ours (the database is away) is no reason to send anybody off: the next look decides.
      if (error instanceof OfficeError && error.status < 500) close(error);
      else this.#logger.warn('a socket could not be looked at again', { reason: reasonOf(error) });
    });
  }
}
