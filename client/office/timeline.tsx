import {
  createEffect,
  createMemo,
  createSignal,
  For,
  Match,
  on,
  onCleanup,
  onMount,
  Show,
  Switch,
  untrack,
} from 'solid-js';
import { createStore, reconcile } from 'solid-js/store';
import type { DebateItem } from '../../sync-server/protocol/fold.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import type { Earlier } from '../sync/create-history.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { AgentBubble, Notes } from './agent-bubble.tsx';
import type { Line } from './arrange.ts';
import { createFollow } from './create-follow.ts';
import { scopeFace, whoIs } from './directory.ts';
import { AT_END, around, down, held, type LineWindow, spanOf, up } from './line-window.ts';
import { MarkdownBody } from './markdown-body.tsx';
import { Message } from './message.tsx';
import { useOffice } from './office-context.tsx';
import { clockTime, dayName } from './phrases.ts';
import { useSession } from './session-context.tsx';

/** How near an edge more lines are put in, in pixels. */
const EDGE_PX = 600;

export interface TimelineHandle {
  readonly jump: () => void;
  /** Brings an entry into view. Answers false where no line shows it. */
  readonly show: (entryId: string) => boolean;
}

export interface TimelineProps {
  readonly lines: readonly Line[];
  readonly isBusy: boolean;
  /** What stands above the lines. */
  readonly earlier: Earlier;
  /** Whether the lines are complete from here down, so that earlier ones can be asked for. */
  readonly mayLoadEarlier: boolean;
  readonly onEarlier: () => void;
  /** Whether the reader is at the bottom of a page that can be seen. */
  readonly onFollowing: (isFollowing: boolean) => void;
  readonly handle: (handle: TimelineHandle) => void;
}

/** A session's log: grows at the bottom, is read anywhere, and never moves under the reader. */
export function Timeline(props: TimelineProps) {
  const [onPage, setOnPage] = createSignal<LineWindow>(AT_END);
  const [shown, setShown] = createStore<{ lines: readonly Line[] }>({ lines: [] });
  const [hasNews, setNews] = createSignal(false);
  const span = createMemo(() => spanOf(props.lines, onPage()));
  const follow = createFollow(() => span().end === props.lines.length);
  let scroller: HTMLDivElement | undefined;
  let content: HTMLDivElement | undefined;

  createEffect(() => setShown('lines', reconcile(props.lines.slice(span().start, span().end), { key: 'key' })));
  createEffect(() => props.onFollowing(follow.isFollowing()));
  const newestKey = createMemo(() => props.lines.at(-1)?.key);
  createEffect(
    on(
      newestKey,
      () => {
        if (!follow.isFollowing()) setNews(true);
      },
      { defer: true },
    ),
  );
  createEffect(() => {
    const isFollowing = follow.isFollowing();
    if (isFollowing) setNews(false);
    setOnPage((now) =>
      isFollowing
        ? AT_END
        : held(
            untrack(() => props.lines),
            now,
          ),
    );
  });

  /** Changes which lines are on the page without moving what is read, where the browser does not see to it. */
  const change = (to: LineWindow) => {
    if (to === onPage()) return;
    const top = scroller?.getBoundingClientRect().top ?? 0;
    const anchor = [...(content?.children ?? [])].find((line) => line.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    setOnPage(to);
    if (scroller === undefined || anchor?.isConnected !== true || follow.isFollowing()) return;
    scroller.scrollTop += anchor.getBoundingClientRect().top - before;
  };
  /** Pixels of lines above what is read; a reader at the bottom may not have been put there yet. */
  const above = () => {
    if (scroller === undefined) return Number.POSITIVE_INFINITY;
    return follow.isFollowing() ? scroller.scrollHeight - scroller.clientHeight : scroller.scrollTop;
  };
  const below = () =>
    scroller === undefined
      ? Number.POSITIVE_INFINITY
      : scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
  /** Keeps lines around what is read: those that are here already, then those that have to be asked for. */
  const fill = () => {
    if (!follow.isFollowing() && below() < EDGE_PX) change(down(props.lines, onPage()));
    if (above() >= EDGE_PX) return;
    if (span().start > 0) change(up(props.lines, onPage()));
    else if (props.mayLoadEarlier && props.earlier.kind === 'more') props.onEarlier();
  };
  createEffect(
    on([() => props.lines.length, onPage, () => props.earlier.kind, () => props.mayLoadEarlier], () => {
      const frame = requestAnimationFrame(fill);
      onCleanup(() => cancelAnimationFrame(frame));
    }),
  );
  const show = (entryId: string) => {
    const index = props.lines.findIndex((line) => contains(line, entryId));
    if (index === -1) return false;
    follow.letGo();
    setOnPage(around(props.lines, onPage(), index));
    const element = content?.querySelector(`[data-entry-id="${CSS.escape(entryId)}"]`);
    const notes = element?.closest('details');
    if (notes) notes.open = true;
    element?.scrollIntoView({ block: 'center' });
    if (element instanceof HTMLElement) element.focus({ preventScroll: true });
    return true;
  };
  const jump = () => {
    setOnPage(AT_END);
    follow.jump();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const current = document.activeElement;
    if (step === 0 || !(current instanceof HTMLElement) || !current.matches('article, [role="log"]')) return;
    const articles = [...(content?.querySelectorAll<HTMLElement>(':scope > article') ?? [])];
    const at = articles.indexOf(current);
    const next = articles[at === -1 ? articles.length - 1 : at + step];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: 'nearest' });
  };

  onMount(() => {
    if (scroller && content) follow.attach(scroller, content);
    props.handle({ jump, show });
  });

  return (
    <>
      <div
        ref={scroller}
        class="timeline scroll"
        role="log"
        aria-label="Conversation"
        aria-live="off"
        aria-busy={props.isBusy}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        onKeyDown={onKey}
        onScroll={fill}
      >
        <div ref={content} class="timeline-lines">
          <Show when={props.lines.length > 0 && span().start === 0}>
            <Top earlier={props.earlier} onRetry={props.onEarlier} />
          </Show>
          <For each={shown.lines}>{(line) => <TimelineLine line={line} />}</For>
        </div>
      </div>
      <Show when={!follow.isFollowing()}>
        <div class="pill-place">
          <Button class="pill" onClick={jump}>
            <Icon name="down" />
            {hasNews() ? 'New' : 'Latest'}
          </Button>
        </div>
      </Show>
    </>
  );
}

/** What stands above the first line: the beginning, or the way there. */
function Top(props: { earlier: Earlier; onRetry: () => void }) {
  const words = () => {
    const { earlier } = props;
    switch (earlier.kind) {
      case 'none':
        return 'Beginning of the conversation';
      case 'more':
      case 'loading':
        return 'Loading earlier messages…';
      case 'failed':
        return `Earlier messages cannot be loaded. ${earlier.message}`;
      case 'full':
        return 'This is as far up as one page goes. Search finds what was said before.';
      default:
        return unreachable(earlier);
    }
  };
  return (
    <p class="timeline-top" data-earlier={props.earlier.kind}>
      <span>{words()}</span>
      <Show when={props.earlier.kind === 'failed'}>
        <Button small onClick={() => props.onRetry()}>
          Retry
        </Button>
      </Show>
    </p>
  );
}

function contains(line: Line, entryId: string): boolean {
  if (line.key === entryId) return true;
  if (line.kind === 'bubble') {
    const { bubble, notes } = line;
    return bubble.turn === entryId || notes.some(({ key }) => key === entryId);
  }
  return line.kind === 'notes' && line.notes.some(({ key }) => key === entryId);
}

function TimelineLine(props: { line: Line }) {
  // A line never changes its kind under one key, so each match reads only its own kind's fields.
  const of = <Kind extends Line['kind']>(kind: Kind): Extract<Line, { kind: Kind }> | undefined => {
    const line = props.line;
    // reason: the check on the left is what the type says
    return line.kind === kind ? (line as Extract<Line, { kind: Kind }>) : undefined;
  };
  return (
    <Switch>
      <Match when={of('message')}>{(line) => <Message item={line().item} isGrouped={line().isGrouped} />}</Match>
      <Match when={of('bubble')}>
        {(line) => <AgentBubble bubble={line().bubble} notes={line().notes} isGrouped={line().isGrouped} />}
      </Match>
      <Match when={of('notes')}>
        {(line) => (
          <div class="notes-line">
            <Notes notes={line().notes} />
          </div>
        )}
      </Match>
      <Match when={of('debate')}>{(line) => <Debate item={line().item} />}</Match>
      <Match when={of('notice')}>
        {(line) => (
          <div class="notice">
            <MarkdownBody text={line().item.body} />
          </div>
        )}
      </Match>
      <Match when={of('day')}>
        {(line) => (
          <h2 class="day">
            <time datetime={new Date(line().at).toISOString()}>{dayName(line().at, Date.now())}</time>
          </h2>
        )}
      </Match>
      <Match when={of('unread')}>{(_) => <p class="unread-line">New since you were here</p>}</Match>
    </Switch>
  );
}

/** The card that a debate begins with. */
function Debate(props: { item: DebateItem }) {
  const { office } = useOffice();
  const view = useSession();
  const author = createMemo(() => whoIs(props.item.author, office.state.members));
  const face = () => scopeFace(view.scope());
  return (
    <article
      class="message hued"
      style={{ '--hue': face().hue, display: 'block' }}
      data-entry-id={props.item.id}
      data-state={props.item.author === office.me.id ? (view.session.state.states[props.item.id] ?? 'tick') : 'tick'}
      tabIndex={-1}
      aria-label={`${author().name} starts a debate, ${clockTime(props.item.at)}`}
    >
      <div class="debate-card">
        <p class="hint">
          {author().name} asks the {face().name} · {props.item.preset === 'quick' ? 'Quick' : 'Standard'} ·{' '}
          {props.item.seats.length} seats · {clockTime(props.item.at)}
        </p>
        <h3>{props.item.topic}</h3>
      </div>
    </article>
  );
}
