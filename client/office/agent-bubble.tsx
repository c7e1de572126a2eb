import { createSignal, For, Match, Show, Switch } from 'solid-js';
import type { Step } from '../../sync-server/protocol/entry.ts';
import { SPOKESPERSON } from '../../sync-server/protocol/organisation.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import type { Bubble } from './arrange.ts';
import { whoIs } from './directory.ts';
import { MarkdownBody } from './markdown-body.tsx';
import { Late, MessageTools, Quote, Reactions } from './message.tsx';
import { useOffice } from './office-context.tsx';
import { clockTime, duration, measured, phaseOf } from './phrases.ts';
import { useSession } from './session-context.tsx';

function stepLabel(step: Step): string | undefined {
  switch (step) {
    case 'answer':
      return undefined;
    case 'note':
      return 'Note';
    case 'position':
      return 'Position';
    case 'synthesis':
      return 'Synthesis';
    case 'dissent':
      return 'Dissent';
    default:
      return unreachable(step);
  }
}

/** One agent's work, from the queue to the answer, in one place. */
export function AgentBubble(props: { bubble: Bubble; notes: readonly Bubble[]; isGrouped: boolean }) {
  const { office } = useOffice();
  const view = useSession();
  const [version, setVersion] = createSignal<number>();
  const author = () => whoIs(props.bubble.agent, office.state.members);
  const versions = () => props.bubble.item?.versions ?? [];
  const reply = () => versions()[version() ?? versions().length - 1] ?? props.bubble.reply;
  const text = () => (props.bubble.item?.isRetracted ? '' : (reply()?.body ?? props.bubble.row?.text ?? ''));
  const thinking = () => reply()?.thinking ?? props.bubble.row?.thinking ?? '';
  const isOpen = () => props.bubble.reply === null;
  const isRehearsed = () => reply()?.isRehearsed ?? props.bubble.row?.isRehearsed ?? false;
  /** What it answers, where that lies further up than what is loaded. */
  const earlierCause = () => {
    const { cause } = props.bubble;
    const entry = view.session.entry(cause);
    const meant = entry?.kind === 'again' ? entry.target : cause;
    return view.isEarlier(meant) ? meant : undefined;
  };
  const label = () => stepLabel(props.bubble.step);
  return (
    <article
      class="message hued"
      style={{ '--hue': author().hue }}
      data-entry-id={reply()?.id ?? props.bubble.turn}
      data-state={isOpen() ? 'open' : 'tick'}
      data-outcome={reply()?.outcome}
      data-step={props.bubble.step}
      data-grouped={props.isGrouped ? '' : undefined}
      data-streaming={isOpen() && text() !== '' ? '' : undefined}
      data-target={view.target() === props.bubble.key ? '' : undefined}
      tabIndex={-1}
      aria-busy={isOpen()}
      aria-label={`${author().name}, ${author().detail}, ${clockTime(props.bubble.at)}`}
      onPointerEnter={() => view.setActive(props.bubble.key)}
      onFocusIn={() => view.setActive(props.bubble.key)}
    >
      <Avatar name={author().name} hue={author().hue} shape="hex" size={props.bubble.step === 'note' ? 26 : 36} />
      <div class="message-main">
        <header class="message-head">
          <span class="author hued">{author().name}</span>
          <Show when={label()}>{(found) => <span class="step">{found()}</span>}</Show>
          <span class="role">{author().detail}</span>
          <Show when={isRehearsed()}>
            <span class="tag">rehearsed, not AI</span>
          </Show>
          <time datetime={new Date(props.bubble.at).toISOString()}>{clockTime(props.bubble.at)}</time>
          <Show when={props.bubble.item}>{(item) => <Late item={item()} />}</Show>
        </header>
        <Show when={props.bubble.step === 'answer' && earlierCause()}>{(id) => <Quote entryId={id()} />}</Show>
        <Notes notes={props.notes} />
        <Show when={thinking() !== ''}>
          <details class="thinking">
            <summary>{isOpen() && text() === '' ? 'Thinking' : 'Thought'}</summary>
            <div>
              <MarkdownBody text={thinking()} isStreaming={isOpen()} />
            </div>
          </details>
        </Show>
        <Show when={text() !== ''}>
          <MarkdownBody text={text()} isStreaming={isOpen()} />
        </Show>
        <Show when={props.bubble.item?.isRetracted}>
          <p class="retracted">Answer deleted</p>
        </Show>
        <Show when={isOpen()} fallback={<Ending bubble={props.bubble} version={version()} onVersion={setVersion} />}>
          <Phase bubble={props.bubble} />
        </Show>
        <Show when={props.bubble.item}>{(item) => <Reactions id={item().id} reactions={item().reactions} />}</Show>
      </div>
      <Show
        when={
          view.active() === props.bubble.key &&
          props.bubble.item !== null &&
          !props.bubble.item.isRetracted &&
          props.bubble.item
        }
      >
        {(item) => (
          <MessageTools
            item={item()}
            text={text()}
            isMine={false}
            more={view.canWrite() ? [{ label: 'Ask again', icon: 'retry', run: () => view.again(props.bubble) }] : []}
          />
        )}
      </Show>
    </article>
  );
}

/** What the agent is doing now, for how long, and the way to stop it. */
function Phase(props: { bubble: Bubble }) {
  const view = useSession();
  const words = () => {
    const turn = props.bubble.view;
    if (turn !== null && !(props.bubble.row !== null && turn.state === 'queued')) return phaseOf(turn);
    return props.bubble.row?.text ? 'Writing' : 'Reading';
  };
  const seconds = () => {
    const since = props.bubble.view === null ? props.bubble.at : Date.parse(props.bubble.view.since);
    const ms = view.now() - since;
    return ms >= 1000 && ms < 86_400_000 ? `${Math.floor(ms / 1000)} s` : '';
  };
  return (
    <p class="status">
      <span class="phase">
        <span class="pulse" />
        {words()}
      </span>
      <span>{seconds()}</span>
      <Show when={(props.bubble.view?.attempt ?? props.bubble.attempt) > 1}>
        <span>attempt {props.bubble.view?.attempt ?? props.bubble.attempt}</span>
      </Show>
      <Show when={view.canWrite()}>
        <Button small onClick={() => view.stop(props.bubble)}>
          <Icon name="stop" />
          Stop
        </Button>
      </Show>
    </p>
  );
}

/** How it ended, what it took, and what can follow. */
function Ending(props: { bubble: Bubble; version: number | undefined; onVersion: (index: number) => void }) {
  const { office } = useOffice();
  const view = useSession();
  const versions = () => props.bubble.item?.versions ?? [];
  const index = () => props.version ?? versions().length - 1;
  const reply = () => versions()[index()];
  const stoppedBy = () => {
    const by = reply()?.by;
    return by === undefined
      ? 'Stopped'
      : `Stopped by ${by === office.me.id ? 'you' : whoIs(by, office.state.members).name}`;
  };
  const saw = () => reply()?.saw;
  return (
    <p class="status">
      <Switch>
        <Match when={reply()?.outcome === 'stopped'}>
          <span>{stoppedBy()}</span>
        </Match>
        <Match when={reply()?.outcome === 'failed'}>
          <span class="phase failure">
            <Icon name="warn" />
            {reply()?.error?.message ?? 'It failed.'}
          </span>
        </Match>
        <Match when={reply()?.isCut}>
          <span>Cut at the length limit</span>
        </Match>
      </Switch>
      <Show when={reply()?.measures}>
        {(measures) => <span title={timings(measures())}>{measured(measures())}</span>}
      </Show>
      <Show when={saw()}>
        {(found) => (
          <span title={`${found().entries.length} entries in a window of ${found().contextTokens} tokens`}>
            saw {found().entries.length === 1 ? '1 message' : `${found().entries.length} messages`}
            {found().leftOut > 0 ? `, ${found().leftOut} left out` : ''}
          </span>
        )}
      </Show>
      <Show when={versions().length > 1}>
        <span>
          <Button
            small
            look="quiet"
            aria-label="Earlier version"
            disabled={index() <= 0}
            onClick={() => props.onVersion(index() - 1)}
          >
            ‹
          </Button>
          {index() + 1}/{versions().length}
          <Button
            small
            look="quiet"
            aria-label="Later version"
            disabled={index() >= versions().length - 1}
            onClick={() => props.onVersion(index() + 1)}
          >
            ›
          </Button>
        </span>
      </Show>
      <Show when={reply()?.outcome !== 'done' && view.canWrite()}>
        <Button small onClick={() => view.again(props.bubble)}>
          <Icon name="retry" />
          Retry
        </Button>
      </Show>
    </p>
  );
}

function timings(measures: {
  readonly loadMs: number;
  readonly promptMs: number;
  readonly promptTokens: number;
}): string {
  const read = `${measures.promptTokens} tokens read in ${duration(measures.promptMs)}`;
  return measures.loadMs > 100 ? `Model loaded in ${duration(measures.loadMs)}, ${read}` : read;
}

/** What the other roles brought, folded away above the answer made of it. */
export function Notes(props: { notes: readonly Bubble[] }) {
  const { office } = useOffice();
  const open = () => props.notes.filter(({ reply }) => reply === null).length;
  const count = () => (props.notes.length === 1 ? '1 note' : `${props.notes.length} notes`);
  const spoken = () => props.notes.filter(({ agent }) => !agent.endsWith(`/${SPOKESPERSON}`));
  return (
    <Show when={props.notes.length > 0}>
      <details class="notes">
        <summary>
          <Icon name="chevron" />
          <span class="grow">
            {count()}
            <Show when={open() > 0}>, {open()} still being written</Show>
          </span>
          <span class="faces" aria-hidden="true">
            <For each={spoken()}>
              {(note) => {
                const author = whoIs(note.agent, office.state.members);
                return <Avatar name={author.name} hue={author.hue} shape="hex" size={20} />;
              }}
            </For>
          </span>
        </summary>
        <For each={props.notes}>{(note) => <AgentBubble bubble={note} notes={[]} isGrouped={false} />}</For>
      </details>
    </Show>
  );
}
