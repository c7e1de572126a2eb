import type { Entry } from '../protocol/entry.ts';

/** What SQLite knows of a session's segments. */
export interface ProjectedSegments {
  entry(sessionId: string, entryId: string): Entry | undefined;
  /** The newest `at` of any entry of the session, in ms; 0 where there is none. */
  newestAt(sessionId: string): number;
  /** The segment that an entry stands in; undefined where it is not projected. */
  segmentOf(sessionId: string, entryId: string): number | undefined;
  /** Null where there is no such session. */
  liveSegment(sessionId: string): number | null;
}

/** What SQLite does not know yet. */
interface Ahead {
  readonly entries: Map<string, Entry>;
  /** The segment after the newest one that was sealed; 0 where none was. */
  live: number;
}

/**
 * What the open rooms of a session share: which entries there are and which segment is live, also in the moment between
 * a change and its projection. What is projected is forgotten here.
 */
export class SessionSegments {
  readonly #projected: ProjectedSegments;
  readonly #ahead = new Map<string, Ahead>();

  constructor(projected: ProjectedSegments) {
    this.#projected = projected;
  }

  /** An entry of the session that was taken, in whichever segment, and is not projected yet. */
  findAhead(sessionId: string, entryId: string): Entry | undefined {
    return this.#ahead.get(sessionId)?.entries.get(entryId);
  }

  /** An entry of the session that is projected, in whichever segment. */
  findProjected(sessionId: string, entryId: string): Entry | undefined {
    return this.#projected.entry(sessionId, entryId);
  }

  /** The segment that an entry stands in, as projected; undefined where it is not. */
  projectedSegmentOf(sessionId: string, entryId: string): number | undefined {
    return this.#projected.segmentOf(sessionId, entryId);
  }

  /** The newest `at` of any entry of the session, in ms; 0 where there is none. */
  newestAt(sessionId: string): number {
    let newest = this.#projected.newestAt(sessionId);
    for (const { at } of this.#ahead.get(sessionId)?.entries.values() ?? []) newest = Math.max(newest, at);
    return newest;
  }

  /** The number of the live segment; null where there is no such session. */
  liveOf(sessionId: string): number | null {
    const projected = this.#projected.liveSegment(sessionId);
    return projected === null ? null : Math.max(projected, this.#ahead.get(sessionId)?.live ?? 0);
  }

  /** Entries were taken. Each has to be removed again, when it is projected or where the log refuses it. */
  add(sessionId: string, entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const ahead = this.#ahead.get(sessionId) ?? { entries: new Map(), live: 0 };
    this.#ahead.set(sessionId, ahead);
    for (const entry of entries) ahead.entries.set(entry.id, entry);
  }

  /** The log has these entries: from here on a segment that they seal is followed by its next one. */
  committed(sessionId: string, entries: readonly Entry[]): void {
    const ahead = this.#ahead.get(sessionId);
    if (!ahead) return;
    for (const entry of entries) if (entry.kind === 'sealed') ahead.live = Math.max(ahead.live, entry.next);
  }

  remove(sessionId: string, entries: readonly Entry[]): void {
    const ahead = this.#ahead.get(sessionId);
    if (!ahead) return;
    for (const entry of entries) {
      ahead.entries.delete(entry.id);
      if (entry.kind === 'sealed' && entry.next >= ahead.live) ahead.live = 0;
    }
    if (ahead.entries.size === 0) this.#ahead.delete(sessionId);
  }
}
