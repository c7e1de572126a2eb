import { createEffect, createMemo, createSignal, on, Show } from 'solid-js';
import type { Mention } from '../../sync-server/protocol/entry.ts';
import { isUlid } from '../../sync-server/protocol/ids.ts';
import { permission, type SessionAction } from '../../sync-server/protocol/permission.ts';
import type { Scope } from '../../sync-server/protocol/scope.ts';
import type { Found } from '../sync/create-history.ts';
import { createSession } from '../sync/create-session.ts';
import { FIRST_USE, timeOf } from '../sync/read-positions.ts';
import { IconButton } from '../ui/button.tsx';
import { arrange, type Bubble, type Line } from './arrange.ts';
import { createAnnouncements } from './create-announcements.ts';
import { createClock, createVisibility } from './create-clock.ts';
import { scopeFace, whoIs } from './directory.ts';
import { firstWords } from './first-words.ts';
import { MessageBox } from './message-box.tsx';
import { useOffice } from './office-context.tsx';
import { Pane } from './pane.tsx';
import { dayKey } from './phrases.ts';
import { SessionContext } from './session-context.tsx';
import { SessionHead } from './session-head.tsx';
import { Closed, Trouble, TypingLine } from './session-notices.tsx';
import { Timeline, type TimelineHandle } from './timeline.tsx';

const QUOTE_CHARS = 120;

/** Why a message that was asked for is not shown. */
const NOT_SHOWN: Readonly<Record<Found, string>> = {
  found: 'That message is not shown in this conversation.',
  absent: 'That message was not found in this conversation.',
  beyond: 'That message is further up than one page goes. The export of this conversation has it.',
  failed: 'That message is further up, and earlier messages cannot be loaded right now.',
};

/** One conversation. */
export function SessionPage(props: { sessionId: string; onBack: () => void }) {
  return (
    <Show
      when={isUlid(props.sessionId)}
      fallback={
        <Pane title="No such conversation" onBack={props.onBack}>
          <div class="empty">This address names no conversation.</div>
        </Pane>
      }
    >
      <OpenSession sessionId={props.sessionId} onBack={props.onBack} />
    </Show>
  );
}

function OpenSession(props: { sessionId: string; onBack: () => void }) {
  const { office, router, socketOrigin, announce } = useOffice();
  // The page is keyed by the session: another id is another page.
  const id = props.sessionId;
  const before = office.state.sessions[id];
  const readUntil =
    before !== undefined && office.isUnread(before)
      ? (office.state.read[id] ?? office.state.read[FIRST_USE] ?? null)
      : null;
  const session = createSession(office, id, `${socketOrigin}/sync`);
  office.follow(id);
  const wire = () => office.state.sessions[id];
  const scope = (): Scope => ({ type: wire()?.scope_type ?? 'general', id: wire()?.scope_id ?? null });
  const may = (action: SessionAction): boolean => {
    const found = wire();
    if (found === undefined) return action === 'read' || action === 'write';
    const grant = { scope: scope(), owner: found.owner_id, isPrivate: false, members: [], isBinned: !found.is_active };
    return permission({ kind: 'person', ...office.me }, grant, action);
  };
  const canWrite = () => may('write') && session.link().kind !== 'refused';
  const turns = createMemo(() => Object.values(office.state.turns).filter(({ session_id }) => session_id === id));
  const lines = createMemo(() =>
    arrange({
      items: session.timeline().items,
      rows: session.rows(),
      turns: turns(),
      readUntil,
      isFromBeginning: session.earlier().kind === 'none',
      me: office.me.id,
      dayOf: dayKey,
    }),
  );
  const open = createMemo(() => lines().flatMap(openBubbles));
  const [editing, setEditing] = createSignal<string>();
  const [active, setActive] = createSignal<string>();
  const [replyTo, setReplyTo] = createSignal<string>();
  const [isFollowing, setFollowing] = createSignal(true);
  const [problem, setProblem] = createSignal<string>();
  const [isSeeking, setSeeking] = createSignal(false);
  const isVisible = createVisibility();
  const now = createClock(() => open().length > 0, session.officeNow);
  let handle: TimelineHandle | undefined;
  let dock: HTMLDivElement | undefined;

  const begun = firstWords.take(id);
  if (begun) session.append({ kind: 'message', body: begun.text, mentions: [...begun.mentions] });

  const send = (text: string, mentions: readonly Mention[]): boolean => {
    const answered = replyTo();
    const isSent = session.append({
      kind: 'message',
      body: text,
      mentions: [...mentions],
      ...(answered === undefined ? {} : { replyTo: answered }),
    });
    setProblem(isSent ? undefined : 'This message is too long to send. Shorten it, or split it in two.');
    if (!isSent) return false;
    setReplyTo(undefined);
    handle?.jump();
    return true;
  };
  const edit = (entryId: string, text: string, mentions: readonly Mention[]): boolean => {
    const isSent = session.append({ kind: 'edit', target: entryId, body: text, mentions: [...mentions] });
    if (isSent) setEditing(undefined);
    return isSent;
  };
  const stop = async (bubble: Bubble) => {
    const attempt = bubble.view?.attempt ?? bubble.attempt;
    const answer = await office.api.call('stopTurn', { params: { id: bubble.turn }, body: { attempt } });
    // Out of reach, the wish itself is written down; it counts when the office reads it, if there is still something to stop.
    if (!answer.ok && answer.error.status === 0) session.append({ kind: 'stop', turn: bubble.turn, attempt });
    else if (!answer.ok && answer.error.status !== 409) setProblem(answer.error.message);
  };
  const editLast = () => {
    const mine = session.timeline().items.filter((item) => item.kind === 'message' && item.author === office.me.id);
    const last = mine.filter(({ isRetracted }) => !isRetracted).at(-1);
    if (last) setEditing(last.id);
  };
  const stopMine = () => {
    if (replyTo() !== undefined) return setReplyTo(undefined);
    const mine = new Set<string>(
      session
        .timeline()
        .items.filter((item) => item.author === office.me.id)
        .map((item) => item.id),
    );
    for (const bubble of open()) if (mine.has(bubble.cause)) void stop(bubble);
  };
  const itemsById = createMemo(() => new Map(session.timeline().items.map((item) => [item.id as string, item])));
  const quoteOf = (entryId: string) => {
    const item = itemsById().get(entryId);
    if (item === undefined) return undefined;
    const words = item.kind === 'reply' ? item.reply.body : item.kind === 'debate' ? item.topic : item.body;
    const text = item.isRetracted ? 'deleted' : words.replace(/\s+/g, ' ').slice(0, QUOTE_CHARS);
    return { author: whoIs(item.author, office.state.members).name, text };
  };
  const target = () => {
    const place = router.place();
    return place.kind === 'session' ? place.messageId : undefined;
  };

  createAnnouncements(session, open, (text) => announce(text));
  createEffect(() => {
    const told = Math.max(timeOf(wire()?.last_message?.created_at), timeOf(wire()?.late_at));
    const newest = Math.max(session.timeline().newestAt, told, office.state.late[id] ?? 0);
    if (isFollowing() && newest > 0 && isVisible()) office.markRead(id, newest);
  });
  let sought: string | undefined;
  const show = async (entryId: string) => {
    sought = entryId;
    if (handle?.show(entryId)) return;
    if (!session.hasCome()) return;
    setSeeking(true);
    const outcome = await session.find(entryId);
    if (sought !== entryId) return;
    const isShown = outcome === 'found' && handle?.show(entryId) === true;
    setSeeking(false);
    if (isShown) return;
    setProblem(NOT_SHOWN[outcome]);
  };
  createEffect(
    on([target, session.isLoaded, session.hasCome, () => lines().length > 0], ([entryId]) => {
      if (entryId !== undefined) queueMicrotask(() => void show(entryId));
    }),
  );
  createEffect(() => {
    // At the bottom again, what was read far above need not be held any more.
    if (isFollowing() && !isSeeking() && wire()?.documents.live !== undefined) session.forgetEarlier();
  });

  const context = {
    session,
    scope,
    canWrite,
    canModerate: () => may('moderate'),
    editing,
    setEditing,
    reply: (entryId: string) => {
      setReplyTo(entryId);
      dock?.querySelector<HTMLElement>('[role="textbox"]')?.focus();
    },
    stop: (bubble: Bubble) => void stop(bubble),
    again: (bubble: Bubble) => {
      const entryId = bubble.item?.reply.id ?? bubble.reply?.id;
      if (entryId !== undefined) session.append({ kind: 'again', target: entryId });
    },
    edit,
    quoteOf,
    show: (entryId: string) => void show(entryId),
    isEarlier: (entryId: string) => session.earlier().kind !== 'none' && session.entry(entryId) === undefined,
    active,
    setActive,
    target,
    now,
  };

  return (
    <SessionContext.Provider value={context}>
      <SessionHead
        session={session}
        wire={wire()}
        canManage={may('manage')}
        isDebating={open().some(({ step }) => step === 'position')}
        onBack={props.onBack}
        onProblem={setProblem}
      />
      <div class="session">
        <Show when={session.isLoaded() || lines().length > 0} fallback={<div class="timeline" aria-busy="true" />}>
          <Timeline
            lines={lines()}
            isBusy={open().length > 0}
            earlier={session.earlier()}
            mayLoadEarlier={session.hasCome()}
            onEarlier={() => void session.loadEarlier()}
            onFollowing={setFollowing}
            handle={(given) => {
              handle = given;
            }}
          />
        </Show>
        <footer class="session-foot">
          <div ref={dock} class="dock">
            <Trouble session={session} problem={problem()} onDismiss={() => setProblem(undefined)} />
            <Show when={isSeeking()}>
              <p class="hint" role="status">
                Looking for that message…
              </p>
            </Show>
            <TypingLine session={session} />
            <Show when={replyTo()}>
              {(entryId) => (
                <div class="replying">
                  <span class="grow">
                    Replying to {quoteOf(entryId())?.author}: {quoteOf(entryId())?.text}
                  </span>
                  <IconButton icon="close" label="Do not reply to it" small onClick={() => setReplyTo(undefined)} />
                </div>
              )}
            </Show>
            <Show when={canWrite()} fallback={<Closed sessionId={id} isBinned={wire()?.is_active === false} />}>
              <MessageBox
                scope={scope()}
                draftName={id}
                placeholder={`Message ${scope().type === 'general' ? 'everyone here' : scopeFace(scope()).name}`}
                autofocus={target() === undefined}
                onSend={send}
                onTyping={session.typing}
                onUp={editLast}
                onEscape={stopMine}
              />
            </Show>
          </div>
        </footer>
      </div>
    </SessionContext.Provider>
  );
}

function openBubbles(line: Line): readonly Bubble[] {
  if (line.kind === 'notes') return line.notes.filter(({ reply }) => reply === null);
  if (line.kind !== 'bubble') return [];
  return [line.bubble, ...line.notes].filter(({ reply }) => reply === null);
}
