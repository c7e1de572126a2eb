import { createSignal, For, Show } from 'solid-js';
import { titleSchema } from '../../sync-server/protocol/entry.ts';
import type { WireSession } from '../../sync-server/protocol/wire.ts';
import { scopePath } from '../router.ts';
import type { Session } from '../sync/create-session.ts';
import { Avatar } from '../ui/avatar.tsx';
import { hueOf } from '../ui/initials.ts';
import { Menu, type MenuEntry } from '../ui/menu.tsx';
import { scopeFace } from './directory.ts';
import { useOffice } from './office-context.tsx';
import { BackButton } from './pane.tsx';
import { listNames } from './phrases.ts';

const MAX_FACES = 5;

export interface SessionHeadProps {
  readonly session: Session;
  readonly wire: WireSession | undefined;
  readonly canManage: boolean;
  /** Whether seats of a council are still at work. */
  readonly isDebating: boolean;
  readonly onBack: () => void;
  readonly onProblem: (problem: string | undefined) => void;
}

/** A session's title, its place in the office, who has it open, and what can be done with the whole of it. */
export function SessionHead(props: SessionHeadProps) {
  const { office, router } = useOffice();
  const [isRenaming, setRenaming] = createSignal(false);
  const scope = () => ({ type: props.wire?.scope_type ?? ('general' as const), id: props.wire?.scope_id ?? null });
  const face = () => scopeFace(scope());
  const title = () => props.session.timeline().title ?? props.wire?.title ?? 'Conversation';
  const rename = (text: string) => {
    setRenaming(false);
    const parsed = titleSchema.safeParse(text);
    if (parsed.success && parsed.data !== title()) props.session.append({ kind: 'title', title: parsed.data });
  };
  const bin = async () => {
    const answer = await office.api.call('binSession', { params: { id: props.session.id } });
    if (!answer.ok) return props.onProblem(answer.error.message);
    office.noteSession(answer.value.session);
    router.go(scopePath(scope()));
  };
  const download = (format: 'md' | 'json') => {
    const link = document.createElement('a');
    link.href = `/api/v1/chat/sessions/${props.session.id}/export?format=${format}`;
    link.download = `${title()}.${format}`;
    link.click();
  };
  const debate = () => props.session.timeline().items.findLast((item) => item.kind === 'debate');
  const synthesise = () => {
    const found = debate();
    if (found) props.session.append({ kind: 'synthesize', debate: found.id });
  };
  const entries = (): readonly MenuEntry[] => [
    ...(props.isDebating && debate()
      ? [{ label: 'Synthesise what is there', icon: 'scales' as const, run: synthesise }]
      : []),
    ...(props.canManage ? [{ label: 'Rename', icon: 'pencil' as const, run: () => setRenaming(true) }] : []),
    { label: 'Export as Markdown', icon: 'down', run: () => download('md') },
    { label: 'Export as JSON', icon: 'down', run: () => download('json') },
    ...(props.canManage && props.wire?.is_active !== false
      ? [{ label: 'Move to bin', icon: 'bin' as const, tone: 'danger' as const, run: () => void bin() }]
      : []),
  ];
  return (
    <header class="pane-head">
      <BackButton onBack={props.onBack} />
      <a href={scopePath(scope())} aria-label={`To ${face().name}`} title={face().name}>
        <Avatar name={face().name} hue={face().hue} shape="hex" size={34} />
      </a>
      <div class="pane-title">
        <Show
          when={isRenaming()}
          fallback={
            <h1 onDblClick={() => props.canManage && setRenaming(true)} title={title()}>
              {title()}
            </h1>
          }
        >
          <input
            class="input title-input"
            aria-label="Title"
            maxLength={120}
            value={title()}
            ref={(element) =>
              queueMicrotask(() => {
                element.focus();
                element.select();
              })
            }
            onKeyDown={(event) => {
              if (event.key === 'Enter') rename(event.currentTarget.value);
              if (event.key === 'Escape') setRenaming(false);
            }}
            onBlur={(event) => isRenaming() && rename(event.currentTarget.value)}
          />
        </Show>
        <p class="sub">
          {face().name}
          <LinkWords session={props.session} />
        </p>
      </div>
      <Presence session={props.session} />
      <Menu label="Conversation actions" entries={entries()} />
    </header>
  );
}

function LinkWords(props: { session: Session }) {
  const words = () => {
    switch (props.session.link().kind) {
      case 'offline':
        return ' · offline, what you write is kept and sent later';
      case 'waiting':
      case 'connecting':
        return ' · connecting';
      case 'live':
      case 'refused':
        return '';
    }
  };
  return <span data-link={props.session.link().kind}>{words()}</span>;
}

function Presence(props: { session: Session }) {
  const { office } = useOffice();
  const people = () =>
    [...props.session.state.people].sort((a, b) => Number(b.id === office.me.id) - Number(a.id === office.me.id));
  const names = () => people().map(({ id, name }) => (id === office.me.id ? 'you' : name));
  return (
    <div
      class="presence"
      role="img"
      aria-label={`Here now: ${listNames(names())}`}
      title={`Here now: ${names().join(', ')}`}
    >
      <For each={people().slice(0, MAX_FACES)}>
        {(person) => <Avatar name={person.name} hue={hueOf(person.id)} size={26} />}
      </For>
      <Show when={people().length > MAX_FACES}>
        <span class="hint">+{people().length - MAX_FACES}</span>
      </Show>
    </div>
  );
}
