import type { Clock } from '../clock.ts';
import { type Logger, reasonOf } from '../logger.ts';
import { MAX_ARRIVED_IDS, OFFICE_AUTHOR, type OfficeEntry } from '../protocol/entry.ts';
import { deriveId, type EntryId } from '../protocol/ids.ts';

/** What arrives late is gathered for this long, in ms: a device that comes back brings all at once. */
const GATHER_MS = 1_000;
/** How long to wait after an `arrived` entry could not be written, in ms. */
const RETRY_MS = 5_000;
/** Ids of all sessions that may wait; further ones are not named, which costs their readers a mark and nothing else. */
const MAX_WAITING = 50_000;

export interface ArrivalsParts {
  /** Writes an entry of the office's own to a session's live segment; resolves when it is durable. */
  append(sessionId: string, makeEntry: (at: number) => OfficeEntry): Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Names what arrived late in the live segment of its session. */
export class Arrivals {
  readonly #parts: ArrivalsParts;
  readonly #waiting = new Map<string, Set<EntryId>>();
  #count = 0;
  #isDropping = false;
  #isDraining = false;
  #callOff: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: ArrivalsParts) {
    this.#parts = parts;
  }

  /** Takes note of late entries; they should be projected, since who hears of them asks for their pages. */
  add(sessionId: string, ids: readonly EntryId[]): void {
    if (ids.length === 0 || this.#isDraining) return;
    this.#wait(sessionId, ids);
    this.#writeIn(GATHER_MS);
  }

  /** Writes what waits, once; what is refused is told to the log. Nothing is taken note of from here on. Never rejects. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#callOff?.();
    this.#write();
    await this.#writing;
  }

  #isFull(): boolean {
    const isFull = this.#count >= MAX_WAITING;
    if (isFull && !this.#isDropping) this.#parts.logger.warn('late arrivals are not named: too many wait', {});
    this.#isDropping = isFull;
    return isFull;
  }

  #wait(sessionId: string, ids: readonly EntryId[]): void {
    const waiting = this.#waiting.get(sessionId) ?? new Set();
    this.#waiting.set(sessionId, waiting);
    for (const id of ids) {
      if (waiting.has(id) || this.#isFull()) continue;
      waiting.add(id);
      this.#count++;
    }
  }

  #writeIn(delayMs: number): void {
    this.#callOff ??= this.#parts.clock.setTimer(() => this.#write(), delayMs);
  }

  #write(): void {
    this.#callOff = null;
    const batch = [...this.#waiting];
    this.#waiting.clear();
    this.#count = 0;
    this.#writing = this.#writing.then(async () => {
      for (const [sessionId, ids] of batch) await this.#name(sessionId, [...ids]);
    });
  }

  async #name(sessionId: string, ids: readonly EntryId[]): Promise<void> {
    for (let from = 0; from < ids.length; from += MAX_ARRIVED_IDS) {
      const named = ids.slice(from, from + MAX_ARRIVED_IDS);
      try {
        await this.#parts.append(sessionId, (at) => ({
          id: deriveId('arrived', sessionId, ...named),
          kind: 'arrived',
          author: OFFICE_AUTHOR,
          at,
          ids: named,
        }));
      } catch (error) {
        this.#parts.logger.warn('late arrivals could not be named', { session: sessionId, reason: reasonOf(error) });
        if (this.#isDraining) continue;
        this.#wait(sessionId, named);
        this.#writeIn(RETRY_MS);
      }
    }
  }
}
