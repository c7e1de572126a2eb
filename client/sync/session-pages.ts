/**
 * A session's history as pages, one for each ended segment, oldest last to be asked for:
 *
 *     asked for -> kept copy (if any) is shown -> the office is asked whether it still holds -> shown as it is now
 *                                                       ^
 *                                   late arrivals name what a page lacks; a network that is back
 */
import { type Entry, readEntry } from '../../sync-server/protocol/entry.ts';
import type { ApiError, ApiResult } from './api.ts';
import type { PageCache } from './page-cache.ts';

/** Pages in memory at once: so much history can be read in one go, and folding it stays within a frame. */
export const MAX_LOADED_PAGES = 40;

export interface FetchedPage {
  readonly entries: readonly Entry[];
  readonly etag: string | null;
}
/** Asks the office for a page; null: it is still the one with this etag. Never rejects. */
export type FetchPage = (
  segment: number,
  etag: string | null,
  signal: AbortSignal,
) => Promise<ApiResult<FetchedPage | null>>;

export interface SessionPagesOptions {
  readonly sessionId: string;
  readonly fetchPage: FetchPage;
  /** null: this device keeps nothing. */
  readonly cache: PageCache | null;
  /** Called when pages came, changed or went. */
  readonly onChange: () => void;
}

interface Page {
  entries: readonly Entry[];
  readonly ids: Set<string>;
  etag: string | null;
  /** Whether the office has confirmed it since something was heard that may have changed it. */
  isConfirmed: boolean;
}

export class SessionPages {
  readonly #options: SessionPagesOptions;
  readonly #pages = new Map<number, Page>();
  readonly #loads = new Map<number, Promise<ApiError | null>>();
  readonly #checks = new Map<number, Promise<ApiError | null>>();
  readonly #aborter = new AbortController();

  constructor(options: SessionPagesOptions) {
    this.#options = options;
  }

  /** A loaded page's entries; undefined where it is not loaded. */
  entriesOf(segment: number): readonly Entry[] | undefined {
    return this.#pages.get(segment)?.entries;
  }

  get isFull(): boolean {
    return this.#pages.size >= MAX_LOADED_PAGES;
  }

  /** Loads a page, once however often it is asked for. Answers null, or why it is not there. Never rejects. */
  load(segment: number): Promise<ApiError | null> {
    if (this.#pages.has(segment)) return Promise.resolve(null);
    const running = this.#loads.get(segment);
    if (running) return running;
    const load = this.#load(segment).finally(() => this.#loads.delete(segment));
    this.#loads.set(segment, load);
    return load;
  }

  /** Takes over what an open segment held as it was left. */
  adopt(segment: number, entries: readonly Entry[]): void {
    this.#set(segment, entries, null, true);
    void this.#options.cache?.put(this.#options.sessionId, { segment, entries, etag: null });
  }

  /** Looks again at the pages that late entries may have entered: those that hold one, or all where one is not known. */
  noteLate(ids: readonly string[], isKnownElsewhere: (id: string) => boolean): void {
    const unknown = ids.some(
      (id) => !isKnownElsewhere(id) && ![...this.#pages.values()].some((page) => page.ids.has(id)),
    );
    for (const [segment, page] of this.#pages) {
      if (!unknown && !ids.some((id) => page.ids.has(id))) continue;
      page.isConfirmed = false;
      void this.#check(segment);
    }
  }

  /** Asks again for what could not be confirmed, for when the network is back. */
  confirm(): void {
    for (const [segment, page] of this.#pages) if (!page.isConfirmed) void this.#check(segment);
  }

  /** Lets go of pages below this segment; they stay on the device. */
  release(below: number): void {
    let hasChanged = false;
    for (const segment of [...this.#pages.keys()]) {
      if (segment < below) hasChanged = this.#pages.delete(segment) || hasChanged;
    }
    if (hasChanged) this.#options.onChange();
  }

  /** Forgets everything, on the device as well: this session may not be read any more. */
  purge(): void {
    this.#pages.clear();
    void this.#options.cache?.purge(this.#options.sessionId);
    this.#options.onChange();
  }

  close(): void {
    this.#aborter.abort();
  }

  async #load(segment: number): Promise<ApiError | null> {
    const kept = await this.#options.cache?.get(this.#options.sessionId, segment);
    if (this.#aborter.signal.aborted) return null;
    if (kept) {
      const entries = kept.entries.flatMap((value) => readEntry(value) ?? []);
      this.#set(segment, entries, kept.etag, false);
      void this.#check(segment);
      return null;
    }
    return this.#check(segment);
  }

  /** One question at a time for each page; what was heard meanwhile is asked afterwards. */
  #check(segment: number): Promise<ApiError | null> {
    const running = this.#checks.get(segment);
    if (running) {
      return running.then((error) =>
        error === null && this.#pages.get(segment)?.isConfirmed === false ? this.#check(segment) : error,
      );
    }
    const check = this.#ask(segment).finally(() => this.#checks.delete(segment));
    this.#checks.set(segment, check);
    return check;
  }

  async #ask(segment: number): Promise<ApiError | null> {
    const before = this.#pages.get(segment);
    if (before) before.isConfirmed = true;
    const answer = await this.#options.fetchPage(segment, before?.etag ?? null, this.#aborter.signal);
    if (this.#aborter.signal.aborted) return null;
    if (!answer.ok) {
      const page = this.#pages.get(segment);
      if (page) page.isConfirmed = false;
      if (answer.error.status === 403 || answer.error.status === 404) this.purge();
      return answer.error;
    }
    if (answer.value === null) return null;
    const { entries, etag } = answer.value;
    // Let go of meanwhile: nobody reads it.
    if (before && !this.#pages.has(segment)) return null;
    // What was heard while the answer was on its way may be newer than the answer.
    this.#set(segment, entries, etag, this.#pages.get(segment)?.isConfirmed ?? true);
    void this.#options.cache?.put(this.#options.sessionId, { segment, entries, etag });
    return null;
  }

  #set(segment: number, entries: readonly Entry[], etag: string | null, isConfirmed: boolean): void {
    this.#pages.set(segment, { entries, ids: new Set(entries.map(({ id }) => id)), etag, isConfirmed });
    this.#options.onChange();
  }
}
