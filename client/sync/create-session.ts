import { batch, createEffect, createSignal, on, onCleanup } from 'solid-js';
import { createStore, reconcile } from 'solid-js/store';
import { parseDocumentName } from '../../sync-server/protocol/document-name.ts';
import type { Entry } from '../../sync-server/protocol/entry.ts';
import { OFFICE_ERRORS } from '../../sync-server/protocol/errors.ts';
import { fold, type Timeline } from '../../sync-server/protocol/fold.ts';
import type { NackCode } from '../../sync-server/protocol/frames.ts';
import { isUlid, type SessionId } from '../../sync-server/protocol/ids.ts';
import type { LiveRow } from '../../sync-server/protocol/segment.ts';
import { isFinal } from '../../sync-server/protocol/turn.ts';
import type { ApiError, ApiResult } from './api.ts';
import { createHistory, type Earlier, type Found } from './create-history.ts';
import type { Office } from './create-office.ts';
import type { EntryDraft, EntryState, Present, ReplicaChange, ReplicaLink } from './segment-replica.ts';
import { type FetchedPage, SessionPages } from './session-pages.ts';
import { SessionReplica } from './session-replica.ts';

/** How often a session that the office could not be told about is tried again, in ms. */
const REGISTER_AGAIN_MS = 4_000;
/** How soon a hidden page, which has no frames, takes up changes, in ms. */
const HIDDEN_FRAME_MS = 100;
/** How long after the last key someone still counts as typing, in ms. */
const TYPING_MS = 4_000;

export interface SessionState {
  /** Of my entries that the office is not known to have; every other one is saved. */
  states: Record<string, EntryState>;
  refusals: Record<string, NackCode>;
  people: readonly Present[];
}

export interface Session {
  readonly id: string;
  readonly state: SessionState;
  readonly timeline: () => Timeline;
  readonly rows: () => readonly LiveRow[];
  readonly link: () => ReplicaLink;
  readonly isLoaded: () => boolean;
  /** Whether the newest entries are here, or cannot come now: what is missing from here on is earlier. */
  readonly hasCome: () => boolean;
  readonly earlier: () => Earlier;
  /** Puts earlier entries in. Answers whether any came; never rejects. */
  readonly loadEarlier: () => Promise<boolean>;
  /** Loads earlier entries until this one is there. Never rejects. */
  readonly find: (entryId: string) => Promise<Found>;
  /** A loaded entry; undefined where it is not. */
  readonly entry: (entryId: string) => Entry | undefined;
  /** Lets go of what lies far above, for when nobody reads there any more. */
  readonly forgetEarlier: () => void;
  /** Whether this device fails to keep its copy. */
  readonly isStorageBroken: () => boolean;
  /** Why the office does not know this session; undefined where it does, or has not said. */
  readonly problem: () => ApiError | undefined;
  /** Puts an entry on its way; answers false where it breaks the form (too long, empty). */
  readonly append: (draft: EntryDraft) => boolean;
  readonly sendAnew: (entryId: string) => void;
  readonly drop: (entryId: string) => void;
  readonly typing: () => void;
  /** Milliseconds since the epoch by the office's clock. */
  readonly officeNow: () => number;
}

/** Follows one session for as long as the owner of this computation lives. */
export function createSession(office: Office, sessionId: string, syncUrl: string): Session {
  const id = isUlid(sessionId) ? sessionId : invalidSession(sessionId);
  const [state, setState] = createStore<SessionState>({
    states: {},
    refusals: {},
    people: [],
  });
  const [timeline, setTimeline] = createSignal<Timeline>(fold([]));
  const [rows, setRows] = createSignal<readonly LiveRow[]>([]);
  const [link, setLink] = createSignal<ReplicaLink>({ kind: 'waiting' }, { equals: isSameLink });
  const [isLoaded, setLoaded] = createSignal(false);
  const [hasCome, setCome] = createSignal(false);
  const [isStorageBroken, setStorageBroken] = createSignal(false);
  const [problem, setProblem] = createSignal<ApiError>();
  const dirty = new Set<ReplicaChange>();
  let cancelFrame: (() => void) | undefined;
  /** However many changes arrive, the store follows once a frame; a hidden page has no frames, so it uses a timer. */
  const changed = (change: ReplicaChange) => {
    dirty.add(change);
    cancelFrame ??= nextFrame(() => project());
  };
  const liveSegment = () => segmentOf(office.state.sessions[id]?.documents.live);
  const pages = new SessionPages({
    sessionId: id,
    fetchPage: (segment, etag, signal) => fetchPage(office, id, segment, etag, signal),
    cache: office.pageCache,
    onChange: () => changed('entries'),
  });
  const replica = new SessionReplica({
    syncUrl,
    sessionId: id,
    live: liveSegment() ?? 1,
    user: { id: office.me.id, name: office.me.name },
    hasIndexedDb: office.device.hasIndexedDb,
    shelf: office.device.shelf,
    isSharedBetweenTabs: true,
    onChange: (change) => changed(change),
    onRetired: (segment, entries) => pages.adopt(segment, entries),
  });
  const history = createHistory(replica, pages, () => project());

  const project = () => {
    cancelFrame?.();
    cancelFrame = undefined;
    const changes = new Set(dirty);
    dirty.clear();
    const has = (change: ReplicaChange) => changes.has(change);
    batch(() => {
      if (has('entries') || has('loaded')) setTimeline(fold(history.join().byId.values()));
      if (has('rows') || has('entries')) setRows(replica.rows());
      if (has('states') || has('entries') || has('loaded')) projectStates();
      if (has('presence')) setState('people', reconcile(replica.people(), { key: 'id' }));
      if (has('storage')) setStorageBroken(true);
      setLink(replica.link);
      if (replica.isLoaded) setLoaded(true);
      if (replica.hasBeenLive || replica.link.kind === 'offline' || replica.link.kind === 'refused') setCome(true);
    });
  };
  const projectStates = () => {
    const mine = replica.unsettled();
    setState('states', reconcile(Object.fromEntries(mine.map(({ entry, state: each }) => [entry.id, each]))));
    const refused = mine.flatMap(({ entry, refusal }) => (refusal === undefined ? [] : [[entry.id, refusal] as const]));
    setState('refusals', reconcile(Object.fromEntries(refused)));
  };

  let registerTimer: ReturnType<typeof setTimeout> | undefined;
  const register = async () => {
    const known = await office.ensureKnown(id);
    if (known.ok) {
      setProblem(undefined);
      replica.connect();
    } else if (known.error.status === 0 || known.error.status >= 500) {
      registerTimer = setTimeout(() => void register(), REGISTER_AGAIN_MS);
    } else setProblem(known.error);
  };
  void register();
  createEffect(() => {
    const live = liveSegment();
    if (live !== undefined) replica.follow(live);
  });
  createEffect(() => {
    const turns = Object.values(office.state.turns).filter((turn) => turn.session_id === id && !isFinal(turn.state));
    replica.watch(new Set(turns.flatMap(({ segment }) => segment ?? [])));
  });
  createEffect(() => {
    const now = link();
    // Without access nothing of it stays on the device's shelf for reading.
    if (
      now.kind === 'refused' &&
      (now.code === OFFICE_ERRORS.forbidden.close || now.code === OFFICE_ERRORS.unknown.close)
    )
      pages.purge();
  });
  // What was refused under an earlier sign-in or grant may be allowed under the present one.
  createEffect(
    on(
      office.link,
      (state) => {
        if (state !== 'open') return;
        if (replica.link.kind === 'refused') replica.connect();
        history.retry();
      },
      { defer: true },
    ),
  );

  // y-indexeddb drops the promises of its writes: a full device shows only here.
  const onRejection = (event: PromiseRejectionEvent) => {
    if (event.reason instanceof DOMException && event.reason.name === 'QuotaExceededError') setStorageBroken(true);
  };
  window.addEventListener('unhandledrejection', onRejection);

  let typingTimer: ReturnType<typeof setTimeout> | undefined;
  const stopTyping = () => {
    clearTimeout(typingTimer);
    typingTimer = undefined;
    replica.setTyping(false);
  };
  onCleanup(() => {
    window.removeEventListener('unhandledrejection', onRejection);
    clearTimeout(registerTimer);
    clearTimeout(typingTimer);
    cancelFrame?.();
    pages.close();
    void replica.close();
  });

  return {
    id,
    state,
    timeline,
    rows,
    link,
    isLoaded,
    hasCome,
    earlier: history.earlier,
    loadEarlier: history.loadEarlier,
    find: history.find,
    entry: (entryId) => {
      // What is loaded changes with the timeline.
      timeline();
      return history.entry(entryId);
    },
    forgetEarlier: history.forgetEarlier,
    isStorageBroken,
    problem,
    append: (draft) => {
      const sent = replica.append(draft);
      if (draft.kind === 'message') stopTyping();
      return sent !== null;
    },
    sendAnew: (entryId) => void replica.sendAnew(entryId),
    drop: (entryId) => replica.drop(entryId),
    typing: () => {
      if (typingTimer === undefined) replica.setTyping(true);
      clearTimeout(typingTimer);
      typingTimer = setTimeout(stopTyping, TYPING_MS);
    },
    officeNow: () => replica.officeNow(),
  };
}

/** Runs something with the next frame, or soon where the page is hidden; answers how to take it back. */
function nextFrame(run: () => void): () => void {
  // The two kinds of handles are numbers that overlap: taking one back as the other would end somebody else's timer.
  if (document.hidden) {
    const timer = window.setTimeout(run, HIDDEN_FRAME_MS);
    return () => window.clearTimeout(timer);
  }
  const frame = window.requestAnimationFrame(run);
  return () => window.cancelAnimationFrame(frame);
}

const segmentOf = (liveName: string | undefined): number | undefined => {
  const named = liveName === undefined ? null : parseDocumentName(liveName);
  return named?.kind === 'segment' ? named.segment : undefined;
};

const isSameLink = (a: ReplicaLink, b: ReplicaLink): boolean =>
  a.kind === b.kind && (a.kind !== 'refused' || b.kind !== 'refused' || a.code === b.code);

const fetchPage = async (
  office: Office,
  id: SessionId,
  segment: number,
  etag: string | null,
  signal: AbortSignal,
): Promise<ApiResult<FetchedPage | null>> => {
  const params = { id, n: String(segment) };
  const answer = await office.api.callIfChanged('segment', { params }, etag, signal);
  if (!answer.ok) return answer;
  const found = answer.value;
  return { ok: true, value: found && { entries: found.response.entries, etag: found.etag } };
};

function invalidSession(id: string): never {
  throw new RangeError(`no session has the id ${id}`);
}
