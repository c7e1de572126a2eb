import { createSignal } from 'solid-js';
import type { Entry } from '../../sync-server/protocol/entry.ts';
import { type JoinedLog, joinLog } from './joined-log.ts';
import type { SessionPages } from './session-pages.ts';
import type { SessionReplica } from './session-replica.ts';

/** Pages that stay loaded below the newest segment once nobody reads further up. */
const PAGES_AT_REST = 2;

/** What stands above the oldest entry shown. */
export type Earlier =
  /** Nothing: this is the beginning. */
  | { readonly kind: 'none' }
  | { readonly kind: 'more' }
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly message: string }
  /** More than one page of a browser should hold. */
  | { readonly kind: 'full' };

/** How a search for an entry ended: it is loaded, it is nowhere, it is further up than is loaded, or loading failed. */
export type Found = 'found' | 'absent' | 'beyond' | 'failed';

export interface History {
  /** The entries that are shown as of now; hears of late arrivals on the way. */
  readonly join: () => JoinedLog;
  readonly earlier: () => Earlier;
  readonly loadEarlier: () => Promise<boolean>;
  readonly find: (entryId: string) => Promise<Found>;
  /** A loaded entry; undefined where it is not. */
  readonly entry: (entryId: string) => Entry | undefined;
  readonly forgetEarlier: () => void;
  /** Asks again for what failed, for when the network is back. */
  readonly retry: () => void;
}

/**
 * What a session's open segments and its loaded pages are together.
 *
 * @param project brings what `join` answers to the screen
 */
export function createHistory(replica: SessionReplica, pages: SessionPages, project: () => void): History {
  const [earlier, setEarlier] = createSignal<Earlier>({ kind: 'none' }, { equals: (a, b) => a.kind === b.kind });
  /** `arrived` entries that were heard of. */
  const heard = new Set<string>();
  let byId: ReadonlyMap<string, Entry> = new Map();
  let oldest = 1;
  let loading: Promise<boolean> | undefined;

  const hearArrivals = () => {
    const late: string[] = [];
    for (const segment of replica.open) {
      for (const entry of replica.entriesIn(segment) ?? []) {
        if (entry.kind !== 'arrived' || heard.has(entry.id)) continue;
        heard.add(entry.id);
        late.push(...entry.ids);
      }
    }
    if (late.length > 0) pages.noteLate(late, (id) => replica.has(id));
  };
  const atRest = (): Earlier => (oldest <= 1 ? { kind: 'none' } : pages.isFull ? { kind: 'full' } : { kind: 'more' });
  const join = () => {
    hearArrivals();
    const joined = joinLog({
      newest: replica.shownNewest,
      openIn: (segment) => replica.entriesIn(segment),
      isWhole: (segment) => replica.isWhole(segment),
      pageOf: (segment) => pages.entriesOf(segment),
      unsettled: replica.unsettled().map(({ entry }) => entry),
    });
    byId = joined.byId;
    const hasMoved = joined.oldest !== oldest;
    oldest = joined.oldest;
    if (loading === undefined && (hasMoved || earlier().kind !== 'failed')) setEarlier(atRest());
    return joined;
  };
  const load = async (): Promise<boolean> => {
    setEarlier({ kind: 'loading' });
    const before = oldest;
    const error = await pages.load(oldest - 1);
    loading = undefined;
    project();
    setEarlier(error === null ? atRest() : { kind: 'failed', message: error.message });
    return oldest < before;
  };
  const loadEarlier = (): Promise<boolean> => {
    const { kind } = atRest();
    if (kind !== 'more') return Promise.resolve(false);
    loading ??= load();
    return loading;
  };
  return {
    join,
    earlier,
    loadEarlier,
    entry: (entryId) => byId.get(entryId),
    find: async (entryId) => {
      while (!byId.has(entryId)) {
        const { kind } = atRest();
        if (kind !== 'more') return kind === 'full' ? 'beyond' : 'absent';
        if (!(await loadEarlier())) return 'failed';
      }
      return 'found';
    },
    forgetEarlier: () => {
      if (loading === undefined) pages.release(replica.shownNewest - PAGES_AT_REST);
    },
    retry: () => {
      pages.confirm();
      if (earlier().kind === 'failed') void loadEarlier();
    },
  };
}
