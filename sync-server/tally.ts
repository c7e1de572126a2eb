/** What is counted since the process started, with what it means. `/metrics` shows each as `daena_<name>_total`. */
export const COUNTED = {
  presence_dropped: 'Presence frames left out for connections that read too slowly',
  peers_behind: 'Connections that fell behind: documents are no longer sent to them change by change',
  peers_resynced: 'Connections that had fallen behind and were sent what they lacked as one update',
  peers_too_slow: 'Connections closed because they read too slowly for too long',
  streams_too_slow: 'Readers of /ws/events closed because they read too slowly',
  changes_put_off: 'Changes refused because the disk or the projection could not keep up',
  rooms_refused: 'Rooms not opened because too many were open',
  sockets_refused: 'Sockets refused because their person held too many',
  peers_paused: 'Times that a person over their rate was paused',
  updates_relayed: 'Changes encoded for a room, once each',
  updates_delivered: 'Changes sent to connections',
  presence_encoded: 'Presence frames encoded, each for all who get it',
} as const satisfies Record<string, string>;

export type Counted = keyof typeof COUNTED;

/** Counts. Every number only grows. */
export class Tally {
  readonly #counts = new Map<Counted, number>();

  add(what: Counted, count = 1): void {
    this.#counts.set(what, this.of(what) + count);
  }

  of(what: Counted): number {
    return this.#counts.get(what) ?? 0;
  }
}
