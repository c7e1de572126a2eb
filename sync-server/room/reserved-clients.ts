/** Client ids that one person may keep in a room; who keeps more loses the one they kept first. */
export const MAX_RESERVED_PER_PERSON = 200;

/**
 * Client ids that people showed themselves under in a room, before anything was written under them. Nobody else may
 * write under such an id: its device would find its own later changes to be somebody else's.
 */
export class ReservedClients {
  readonly #holders = new Map<number, string>();
  readonly #byPerson = new Map<string, Set<number>>();

  /** Keeps an id for a person; an id that is kept already stays whose it is. */
  reserve(client: number, person: string): void {
    if (this.#holders.has(client)) return;
    const kept = this.#byPerson.get(person) ?? new Set();
    this.#byPerson.set(person, kept.add(client));
    this.#holders.set(client, person);
    if (kept.size <= MAX_RESERVED_PER_PERSON) return;
    const [oldest] = kept;
    if (oldest === undefined) return;
    kept.delete(oldest);
    this.#holders.delete(oldest);
  }

  /** Whom an id is kept for. */
  holderOf(client: number): string | undefined {
    return this.#holders.get(client);
  }
}
