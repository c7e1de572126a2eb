import type { Entry } from '../../sync-server/protocol/entry.ts';

/** Where a session's entries are on this device, by segment. */
export interface LogParts {
  /** The newest segment to show. */
  readonly newest: number;
  /** Entries of an open segment; undefined where it is not open. */
  readonly openIn: (segment: number) => readonly Entry[] | undefined;
  /** Whether an open segment is here without a hole. */
  readonly isWhole: (segment: number) => boolean;
  /** Entries of a segment that was read as a page; undefined where it was not. */
  readonly pageOf: (segment: number) => readonly Entry[] | undefined;
  /** This person's own entries that are still on their way: they are shown wherever they are. */
  readonly unsettled: readonly Entry[];
}

export interface JoinedLog {
  readonly byId: ReadonlyMap<string, Entry>;
  /** The oldest segment that is shown; everything from there on is. 1: this is the beginning. */
  readonly oldest: number;
}

/** Joins pages and open segments from the newest downwards, as far as there is no hole between them. */
export function joinLog(parts: LogParts): JoinedLog {
  const byId = new Map<string, Entry>();
  const add = (entries: readonly Entry[] = []) => {
    for (const entry of entries) byId.set(entry.id, entry);
  };
  let oldest = parts.newest;
  add(parts.pageOf(oldest));
  add(parts.openIn(oldest));
  for (let segment = oldest - 1; segment >= 1; segment--) {
    const page = parts.pageOf(segment);
    if (page === undefined && !parts.isWhole(segment)) break;
    add(page);
    add(parts.openIn(segment));
    oldest = segment;
  }
  add(parts.unsettled);
  return { byId, oldest };
}
