import { batch, createEffect, createSignal, on, onCleanup } from 'solid-js';
import { createStore, reconcile } from 'solid-js/store';
import { segmentName } from '../../sync-server/protocol/document-name.ts';
import { fold, type Timeline } from '../../sync-server/protocol/fold.ts';
import type { NackCode } from '../../sync-server/protocol/frames.ts';
import { isUlid } from '../../sync-server/protocol/ids.ts';
import type { LiveRow } from '../../sync-server/protocol/segment.ts';
import type { ApiError } from './api.ts';
import type { Office } from './create-office.ts';
import {
  type EntryDraft,
  type EntryState,
  type Present,
  type ReplicaChange,
  type ReplicaLink,
  SegmentReplica,
} from './segment-replica.ts';

/** How often a session that the office could not be told about is tried again, in ms. */
const REGISTER_AGAIN_MS = 4_000;
/** How long after the last key someone still counts as typing, in ms. */
const TYPING_MS = 4_000;

export interface SessionState {
  /** Of the entries written on any of my devices. */
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
  const [state, setState] = createStore<SessionState>({
    states: {},
    refusals: {},
    people: [],
  });
  const [timeline, setTimeline] = createSignal<Timeline>(fold([]));
  const [rows, setRows] = createSignal<readonly LiveRow[]>([]);
  const [link, setLink] = createSignal<ReplicaLink>({ kind: 'waiting' });
  const [isLoaded, setLoaded] = createSignal(false);
  const [isStorageBroken, setStorageBroken] = createSignal(false);
  const [problem, setProblem] = createSignal<ApiError>();
  const dirty = new Set<ReplicaChange>();
  let frame: number | undefined;
  /** However many changes arrive, the store follows once a frame; a hidden page has no frames, so it uses a timer. */
  const changed = (change: ReplicaChange) => {
    dirty.add(change);
    frame ??= document.hidden ? window.setTimeout(project, 100) : window.requestAnimationFrame(() => project());
  };
  const liveName = office.state.sessions[sessionId]?.documents.live;
  const replica = new SegmentReplica({
    syncUrl,
    documentName: liveName ?? segmentName(isUlid(sessionId) ? sessionId : invalidSession(sessionId), 1),
    user: { id: office.me.id, name: office.me.name },
    hasIndexedDb: office.device.hasIndexedDb,
    shelf: office.device.shelf,
    isSharedBetweenTabs: true,
    onChange: (change) => changed(change),
  });

  const project = () => {
    frame = undefined;
    const has = (change: ReplicaChange) => dirty.has(change);
    batch(() => {
      if (has('entries') || has('loaded')) setTimeline(fold(replica.entries()));
      if (has('rows') || has('entries')) setRows(replica.rows());
      if (has('states') || has('entries') || has('loaded')) projectStates();
      if (has('presence')) setState('people', reconcile(replica.people(), { key: 'id' }));
      if (has('link')) setLink(replica.link);
      if (has('storage')) setStorageBroken(true);
      if (has('loaded')) setLoaded(replica.isLoaded);
    });
    dirty.clear();
  };
  const projectStates = () => {
    const mine = timeline().items.filter((item) => item.author === office.me.id);
    setState('states', reconcile(Object.fromEntries(mine.map(({ id }) => [id, replica.stateOf(id)]))));
    const refused = mine.flatMap(({ id }) => {
      const code = replica.refusalOf(id);
      return code === undefined ? [] : [[id, code] as const];
    });
    setState('refusals', reconcile(Object.fromEntries(refused)));
  };

  let registerTimer: ReturnType<typeof setTimeout> | undefined;
  const register = async () => {
    const known = await office.ensureKnown(sessionId);
    if (known.ok) {
      setProblem(undefined);
      replica.connect();
    } else if (known.error.status === 0 || known.error.status >= 500) {
      registerTimer = setTimeout(() => void register(), REGISTER_AGAIN_MS);
    } else setProblem(known.error);
  };
  void register();
  // What was refused under an earlier sign-in or grant may be allowed under the present one.
  createEffect(
    on(
      office.link,
      (state) => {
        if (state === 'open' && replica.link.kind === 'refused') replica.connect();
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
    if (frame !== undefined) {
      window.cancelAnimationFrame(frame);
      window.clearTimeout(frame);
    }
    void replica.close();
  });

  return {
    id: sessionId,
    state,
    timeline,
    rows,
    link,
    isLoaded,
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

function invalidSession(id: string): never {
  throw new RangeError(`no session has the id ${id}`);
}
