import type { StoredEvent } from '../persistence/projection/event-log.ts';

/** Events that may wait for an earlier one. Beyond it the log is read instead. */
const MAX_EARLY = 5_000;

/**
 * Puts events into the order of their ids. Two connections write to the event log, each committing before it tells, so
 * what is told may come in another order than it was written; ids have no holes.
 */
export class EventOrder {
  readonly #deliver: (events: readonly StoredEvent[]) => void;
  readonly #after: (id: number) => readonly StoredEvent[];
  readonly #early = new Map<number, StoredEvent>();
  #next: number;

  /**
   * @param newest the newest id that needs no delivery
   * @param after reads the events after an id from the log, oldest first
   * @param deliver takes events in order, each once; must not throw
   */
  constructor(
    newest: number,
    after: (id: number) => readonly StoredEvent[],
    deliver: (events: readonly StoredEvent[]) => void,
  ) {
    this.#next = newest + 1;
    this.#after = after;
    this.#deliver = deliver;
  }

  /** Takes events that are committed, in any order. */
  add(events: readonly StoredEvent[]): void {
    for (const event of events) if (event.wire.event_id >= this.#next) this.#early.set(event.wire.event_id, event);
    if (this.#early.size > MAX_EARLY) {
      this.reread();
      return;
    }
    const inOrder: StoredEvent[] = [];
    for (let event = this.#early.get(this.#next); event; event = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#next++;
      inOrder.push(event);
    }
    if (inOrder.length > 0) this.#deliver(inOrder);
  }

  /** Delivers what the log holds and nobody told: its teller may have died between the two. */
  reread(): void {
    this.#early.clear();
    const events = this.#after(this.#next - 1);
    const newest = events.at(-1)?.wire.event_id;
    if (newest === undefined) return;
    this.#next = newest + 1;
    this.#deliver(events);
  }
}
