/**
 * What this device knows of the office, as one store: who is here, the sessions, what agents are doing, the brain.
 *
 *   kept copy -> store <- lists over HTTP (at first, and after a gap) <- events, one by one
 */
import { createSignal, onCleanup } from 'solid-js';
import { createStore, produce, reconcile } from 'solid-js/store';
import { z } from 'zod';
import type { RouteInput, RouteResponse } from '../../sync-server/protocol/api.ts';
import type { BrainStatus } from '../../sync-server/protocol/brain.ts';
import type { OfficeEvent } from '../../sync-server/protocol/events.ts';
import type { Scope } from '../../sync-server/protocol/scope.ts';
import { isFinal, type TurnView } from '../../sync-server/protocol/turn.ts';
import {
  iso,
  type Me,
  sessionSchema,
  type WireCouncil,
  type WireMember,
  type WireSession,
} from '../../sync-server/protocol/wire.ts';
import type { Api, ApiResult } from './api.ts';
import { type Device, newUlid, readJson, writeJson } from './device.ts';
import { EventStream, type StreamState } from './events.ts';
import { IndexedDbPageCache, type PageCache } from './page-cache.ts';
import { changeStarts, loadStarts } from './pending-starts.ts';
import {
  advance,
  FIRST_USE,
  isLate,
  isUnread,
  loadLate,
  loadPositions,
  saveLate,
  savePositions,
} from './read-positions.ts';
import { byActivity, provisional, titleOf } from './session-rows.ts';

/** Sessions kept on the device for going offline. */
const MAX_KEPT_SESSIONS = 300;
const LIST_LIMIT = 200;
/** Pages of the list that are read at once; older sessions are found by search. */
const MAX_LIST_PAGES = 5;
const KEEP_MS = 500;
/** How long a burst of events about a session is gathered. */
const TOUCH_MS = 120;
/** How long after a refusal the events are asked for again. */
const RECONNECT_MS = 2_000;

export interface OfficeState {
  sessions: Record<string, WireSession>;
  /** Turns that are not final, by id. */
  turns: Record<string, TurnView>;
  members: readonly WireMember[];
  councils: readonly WireCouncil[];
  brain: BrainStatus | null;
  /** Newest activity read on this device, ms, by session. */
  read: Record<string, number>;
  /** When somebody else's late message last came, ms, by session. */
  late: Record<string, number>;
}

const keptSchema = z.object({
  // Rows that were kept before they told of late messages are good all the same.
  sessions: z.array(sessionSchema.extend({ late_at: iso.nullable().default(null) })),
  members: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      role: z.enum(['owner', 'member']),
      email: z.string().optional(),
      disabled: z.boolean(),
      created_at: z.string(),
    }),
  ),
});

export interface Office {
  readonly me: Me;
  readonly api: Api;
  readonly device: Device;
  /** Where pages of history are kept; null where this device keeps nothing. */
  readonly pageCache: PageCache | null;
  readonly state: OfficeState;
  readonly link: () => StreamState;
  /** Connects again after a refusal, for when this sign-in proved to be good. */
  readonly reconnect: () => void;
  /** Whether the office has answered with its lists since this page opened. */
  readonly isFresh: () => boolean;
  /** Makes a session on this device and tells the office as soon as it can. */
  readonly startSession: (scope: Scope, firstWords: string) => string;
  /** Resolves once the office knows the session, or with the refusal. */
  readonly ensureKnown: (sessionId: string) => Promise<ApiResult<WireSession | null>>;
  /** Keeps a session's agents in view, from now until `onCleanup`. */
  readonly follow: (sessionId: string) => void;
  readonly markRead: (sessionId: string, at: number) => void;
  readonly isUnread: (session: WireSession) => boolean;
  readonly noteSession: (session: WireSession) => void;
  readonly noteCouncil: (council: WireCouncil) => void;
  readonly refreshMembers: () => Promise<void>;
  readonly onEvent: (listener: (event: OfficeEvent) => void) => () => void;
}

export function createOffice(me: Me, api: Api, device: Device, eventsUrl: string): Office {
  const keptKey = `daena/${me.id}/office`;
  const kept = keptSchema.safeParse(readJson(device.shelf, keptKey));
  const [state, setState] = createStore<OfficeState>({
    sessions: Object.fromEntries(
      kept.success ? kept.data.sessions.map((session) => [session.session_id, session]) : [],
    ),
    turns: {},
    members: kept.success ? kept.data.members : [],
    councils: [],
    brain: null,
    read: { ...loadPositions(device.shelf, me.id, Date.now()) },
    late: { ...loadLate(device.shelf, me.id) },
  });
  const [link, setLink] = createSignal<StreamState>('connecting');
  const [isFresh, setFresh] = createSignal(false);
  const listeners = new Set<(event: OfficeEvent) => void>();
  const aborter = new AbortController();

  let keepTimer: ReturnType<typeof setTimeout> | undefined;
  const keep = () => {
    keepTimer ??= setTimeout(() => {
      keepTimer = undefined;
      const sessions = Object.values(state.sessions).sort(byActivity).slice(0, MAX_KEPT_SESSIONS);
      writeJson(device.shelf, keptKey, { sessions, members: state.members });
    }, KEEP_MS);
  };

  /** Sessions on the screen: their turns are asked for again after a gap. */
  const followed = new Set<string>();

  const noteSession = (session: WireSession) => {
    setState('sessions', session.session_id, reconcile(session));
    keep();
  };
  const noteTurns = (turns: readonly TurnView[], isKept: (turn: TurnView) => boolean = () => true) =>
    setState(
      'turns',
      produce((known) => {
        for (const turn of Object.values(known)) if (!isKept(turn)) delete known[turn.turn];
        for (const turn of turns) {
          if (isFinal(turn.state)) delete known[turn.turn];
          else known[turn.turn] = turn;
        }
      }),
    );
  const noteCouncil = (council: WireCouncil) =>
    setState('councils', (known) => known.map((other) => (other.id === council.id ? council : other)));

  const refreshSession = async (id: string) => {
    const answer = await api.call('session', { params: { id } }, aborter.signal);
    if (!answer.ok) return;
    noteSession(answer.value.session);
    noteTurns(answer.value.turns, (turn) => turn.session_id !== id);
  };
  const refreshSoon = new Set<string>();
  let refreshTimer: ReturnType<typeof setTimeout> | undefined;
  /** Several events about one session within a moment ask for it once. */
  const touch = (id: string) => {
    refreshSoon.add(id);
    refreshTimer ??= setTimeout(() => {
      refreshTimer = undefined;
      for (const each of refreshSoon) void refreshSession(each);
      refreshSoon.clear();
    }, TOUCH_MS);
  };
  const refreshMembers = async () => {
    const answer = await api.call('members', {}, aborter.signal);
    if (answer.ok) setState('members', reconcile(answer.value.members, { key: 'id' }));
    keep();
  };
  const refreshCouncils = async () => {
    const answer = await api.call('councils', {}, aborter.signal);
    if (answer.ok) setState('councils', reconcile(answer.value.councils, { key: 'id' }));
  };
  const refreshBrain = async () => {
    const answer = await api.call('brainStatus', {}, aborter.signal);
    if (answer.ok) setState('brain', reconcile(answer.value));
  };
  const listSessions = async (binned: 'true' | 'false') => {
    const sessions: WireSession[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < MAX_LIST_PAGES; page++) {
      const query: RouteInput<'sessions'>['query'] = { limit: LIST_LIMIT, binned };
      if (cursor !== null) query.cursor = cursor;
      const answer: ApiResult<RouteResponse<'sessions'>> = await api.call('sessions', { query }, aborter.signal);
      if (!answer.ok) return null;
      sessions.push(...answer.value.sessions);
      cursor = answer.value.next_cursor;
      if (cursor === null) break;
    }
    return { sessions, isWhole: cursor === null };
  };
  const refreshSessions = async () => {
    const [open, binned] = await Promise.all([listSessions('false'), listSessions('true')]);
    if (open === null || binned === null) return;
    const unknownYet = loadStarts(device.shelf, me.id).flatMap(({ session_id }) => state.sessions[session_id] ?? []);
    const listed = [...open.sessions, ...binned.sessions, ...unknownYet];
    const byId = Object.fromEntries(listed.map((session) => [session.session_id, session]));
    setState('sessions', reconcile(open.isWhole && binned.isWhole ? byId : { ...state.sessions, ...byId }));
    setFresh(true);
    keep();
  };
  const refreshAll = () => {
    void flushStarts().then(refreshSessions);
    void refreshMembers();
    void refreshCouncils();
    void refreshBrain();
    noteTurns([], (turn) => followed.has(turn.session_id));
    for (const id of followed) void refreshSession(id);
  };
  const follow = (sessionId: string) => {
    followed.add(sessionId);
    onCleanup(() => followed.delete(sessionId));
    void refreshSession(sessionId);
  };

  const flushes = new Map<string, Promise<ApiResult<WireSession | null>>>();
  const flushStart = (sessionId: string): Promise<ApiResult<WireSession | null>> => {
    const start = loadStarts(device.shelf, me.id).find((other) => other.session_id === sessionId);
    if (start === undefined) return Promise.resolve({ ok: true, value: null });
    const running = flushes.get(sessionId);
    if (running) return running;
    const { at: _, ...body } = start;
    const flush = api.call('startChat', { body }, aborter.signal).then((answer): ApiResult<WireSession | null> => {
      flushes.delete(sessionId);
      if (!answer.ok) return answer;
      changeStarts(device.shelf, me.id, (starts) => starts.filter((other) => other.session_id !== sessionId));
      noteSession(answer.value.session);
      return { ok: true, value: answer.value.session };
    });
    flushes.set(sessionId, flush);
    return flush;
  };
  const flushStarts = async () => {
    for (const { session_id } of loadStarts(device.shelf, me.id)) await flushStart(session_id);
  };

  const noteLate = ({ at, payload }: Extract<OfficeEvent, { type: 'chat.message' }>) => {
    const cameAt = Date.parse(at);
    if (payload.author_id === me.id || !isLate(payload.message_id, cameAt)) return;
    const next = advance(state.late, payload.session_id, cameAt);
    if (next === state.late) return;
    setState('late', payload.session_id, cameAt);
    saveLate(device.shelf, me.id, next);
  };
  const take = (event: OfficeEvent) => {
    switch (event.type) {
      case 'turn.updated':
        noteTurns([event.payload]);
        break;
      case 'brain.status':
        setState('brain', reconcile(event.payload));
        break;
      case 'session.created':
      case 'session.updated':
      case 'session.deleted':
        touch(event.payload.session_id);
        break;
      case 'chat.message':
        noteLate(event);
        touch(event.payload.session_id);
        break;
      case 'council.updated':
      case 'council.created':
      case 'council.deleted':
      case 'council.member.updated':
        void refreshCouncils();
        break;
      default:
    }
    for (const listener of listeners) listener(event);
  };

  const stream = new EventStream(eventsUrl, { event: take, gap: refreshAll, state: setLink });
  stream.start();
  let reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  const reconnect = () => {
    clearTimeout(reconnectTimer);
    reconnectTimer = setTimeout(() => stream.start(), RECONNECT_MS);
  };

  const onOnline = () => stream.nudge();
  window.addEventListener('online', onOnline);
  onCleanup(() => {
    window.removeEventListener('online', onOnline);
    clearTimeout(reconnectTimer);
    stream.stop();
    aborter.abort();
    clearTimeout(keepTimer);
    clearTimeout(refreshTimer);
  });

  return {
    reconnect,
    me,
    api,
    device,
    pageCache: device.hasIndexedDb ? new IndexedDbPageCache(me.id) : null,
    state,
    link,
    isFresh,
    noteSession,
    noteCouncil,
    refreshMembers,
    follow,
    startSession: (scope, firstWords) => {
      const now = Date.now();
      const id = newUlid(now);
      const title = titleOf(firstWords);
      const start = { session_id: id, scope_type: scope.type, scope_id: scope.id, title, at: now };
      changeStarts(device.shelf, me.id, (starts) => [...starts, start]);
      noteSession(provisional(id, scope, title, me.id, now));
      void flushStart(id);
      return id;
    },
    ensureKnown: async (sessionId) => {
      const known = await flushStart(sessionId);
      // Its row says which of its segments is live.
      if (known.ok && state.sessions[sessionId] === undefined) await refreshSession(sessionId);
      return known;
    },
    markRead: (sessionId, at) => {
      const next = advance(state.read, sessionId, at);
      if (next === state.read) return;
      setState('read', sessionId, at);
      savePositions(device.shelf, me.id, next);
    },
    isUnread: (session) =>
      isUnread(
        session,
        me.id,
        state.read[session.session_id] ?? state.read[FIRST_USE] ?? 0,
        state.late[session.session_id] ?? 0,
      ),
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
