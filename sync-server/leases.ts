import type { Step } from './protocol/entry.ts';

/** The live right of one attempt to write in a document, under one Yjs client id. */
export interface LeaseGrant {
  readonly turn: string;
  readonly attempt: number;
  readonly document: string;
  readonly clientId: number;
  readonly rowId: string;
  readonly agent: string;
  readonly step: Step;
  readonly cause: string;
}

/**
 * The leases in force, in memory: the gate asks here for every frame of a worker, so a lease that ends, ends at once.
 * Which leases exist at all is decided by the scheduler and kept in SQLite.
 */
export class LeaseRegistry {
  readonly #byTurn = new Map<string, LeaseGrant>();
  readonly #byClient = new Map<string, LeaseGrant>();
  readonly #listeners = new Set<(ended: LeaseGrant) => void>();

  grant(lease: LeaseGrant): void {
    this.#byTurn.set(key(lease.turn, lease.attempt), lease);
    this.#byClient.set(key(lease.document, lease.clientId), lease);
  }

  /** Ends a lease; its client id is dead from here on. Nothing happens where there is none. */
  end(turn: string, attempt: number): void {
    const lease = this.#byTurn.get(key(turn, attempt));
    if (!lease) return;
    this.#byTurn.delete(key(turn, attempt));
    this.#byClient.delete(key(lease.document, lease.clientId));
    for (const listener of this.#listeners) listener(lease);
  }

  byTurn(turn: string, attempt: number): LeaseGrant | undefined {
    return this.#byTurn.get(key(turn, attempt));
  }

  byClient(document: string, clientId: number): LeaseGrant | undefined {
    return this.#byClient.get(key(document, clientId));
  }

  /** Whether any lease on this document is in force. There are as many leases as agents can work at once: few. */
  isOn(document: string): boolean {
    for (const lease of this.#byTurn.values()) if (lease.document === document) return true;
    return false;
  }

  /** Tells of every lease that ends. Answers how to stop listening. */
  onEnd(listener: (ended: LeaseGrant) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const key = (a: string, b: number): string => `${a}#${b}`;
