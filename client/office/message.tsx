import { For, Show } from 'solid-js';
import type { MessageItem, Reaction, TimelineItem } from '../../sync-server/protocol/fold.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { copyText } from '../ui/copy-text.ts';
import { Icon } from '../ui/icon.tsx';
import { Menu, type MenuEntry } from '../ui/menu.tsx';
import { lateSince } from './arrange.ts';
import { scopeFace, whoIs } from './directory.ts';
import { MarkdownBody } from './markdown-body.tsx';
import { MessageBox } from './message-box.tsx';
import { useOffice } from './office-context.tsx';
import { clockTime, dayKey, dayName, listNames, refusal } from './phrases.ts';
import { useSession } from './session-context.tsx';

const EMOJIS = ['👍', '❤️', '🎉', '😄', '🤔', '👀'];

/** What a person wrote. */
export function Message(props: { item: MessageItem; isGrouped: boolean }) {
  const { office } = useOffice();
  const view = useSession();
  const author = () => whoIs(props.item.author, office.state.members);
  const isMine = () => props.item.author === office.me.id;
  const state = () => (isMine() ? (view.session.state.states[props.item.id] ?? 'tick') : 'tick');
  const mentionNames = () =>
    props.item.mentions.map(({ type, id }) => {
      if (type === 'all') return 'all';
      return type === 'department' ? scopeFace({ type, id }).name : whoIs(id, office.state.members).name;
    });
  const isEditing = () => view.editing() === props.item.id;
  return (
    <article
      class="message hued"
      style={{ '--hue': author().hue }}
      data-entry-id={props.item.id}
      data-state={state()}
      data-grouped={props.isGrouped ? '' : undefined}
      data-target={view.target() === props.item.id ? '' : undefined}
      tabIndex={-1}
      aria-label={`${author().name}, ${clockTime(props.item.at)}`}
      onPointerEnter={() => view.setActive(props.item.id)}
      onFocusIn={() => view.setActive(props.item.id)}
    >
      <Avatar name={author().name} hue={author().hue} />
      <div class="message-main">
        <header class="message-head">
          <span class="author">{author().name}</span>
          <time datetime={new Date(props.item.at).toISOString()}>{clockTime(props.item.at)}</time>
          <Late item={props.item} />
        </header>
        <Quote entryId={props.item.replyTo} />
        <Show when={!isEditing()} fallback={<EditBox item={props.item} mentionNames={mentionNames()} />}>
          <Show when={!props.item.isRetracted} fallback={<p class="retracted">Message deleted</p>}>
            <MarkdownBody text={props.item.body} mentions={mentionNames()} />
          </Show>
          <Show when={props.item.editedAt}>
            {(at) => (
              <span class="edited" title={`Edited ${new Date(at()).toLocaleString()}`}>
                edited
              </span>
            )}
          </Show>
        </Show>
        <Reactions id={props.item.id} reactions={props.item.reactions} />
        <Unsent id={props.item.id} />
      </div>
      <Show when={isMine() && state() !== 'unsent'}>
        <Glyph state={state()} />
      </Show>
      <Show when={view.active() === props.item.id && !props.item.isRetracted && !isEditing() && state() !== 'unsent'}>
        <MessageTools item={props.item} text={props.item.body} isMine={isMine()} />
      </Show>
    </article>
  );
}

function Glyph(props: { state: 'clock' | 'tick' | 'unsent' }) {
  const label = () => (props.state === 'tick' ? 'Saved' : 'On this device, not saved yet');
  return (
    <span class="glyph" role="img" aria-label={label()} title={label()}>
      <Icon name={props.state === 'tick' ? 'tick' : 'clock'} />
    </span>
  );
}

function Unsent(props: { id: string }) {
  const { session } = useSession();
  return (
    <Show when={session.state.refusals[props.id]}>
      {(code) => (
        <p class="status failure">
          <span class="phase">
            <Icon name="warn" />
            Not sent: {refusal(code())}
          </span>
          <Button small onClick={() => session.sendAnew(props.id)}>
            Retry
          </Button>
          <Button small look="quiet" onClick={() => session.drop(props.id)}>
            Discard
          </Button>
        </p>
      )}
    </Show>
  );
}

function EditBox(props: { item: MessageItem; mentionNames: readonly string[] }) {
  const view = useSession();
  const initial = () => ({
    text: props.item.body,
    mentions: props.item.mentions.map(({ type, id }, index) => ({
      kind: type,
      id,
      name: props.mentionNames[index] ?? id,
    })),
  });
  return (
    <div class="edit-box">
      <MessageBox
        scope={view.scope()}
        draftName={`edit ${props.item.id}`}
        label="Edit message"
        placeholder="Edit message"
        sendLabel="Save"
        autofocus
        initial={initial()}
        onSend={(text, mentions) => view.edit(props.item.id, text, mentions)}
        onEscape={() => view.setEditing(undefined)}
      />
      <p class="hint">
        Escape cancels, Enter saves.
        <Button small look="quiet" onClick={() => view.setEditing(undefined)}>
          Cancel
        </Button>
      </p>
    </div>
  );
}

/** Says that something came long after it was written, and when. */
export function Late(props: { item: TimelineItem }) {
  return (
    <Show when={lateSince(props.item)}>
      {(since) => (
        <span class="late" title={`Written ${moment(props.item.at)}, arrived ${moment(since())}`}>
          arrived late, {dayKey(since()) === dayKey(props.item.at) ? clockTime(since()) : moment(since())}
        </span>
      )}
    </Show>
  );
}

const moment = (at: number): string => `${dayName(at, Date.now())}, ${clockTime(at)}`;

/** The message that this one answers, as one line that leads there. */
export function Quote(props: { entryId: string | null }) {
  const view = useSession();
  const words = () => {
    if (props.entryId === null) return undefined;
    const quote = view.quoteOf(props.entryId);
    if (quote) return `${quote.author}: ${quote.text}`;
    return view.isEarlier(props.entryId) ? 'An earlier message' : undefined;
  };
  return (
    <Show when={words()}>
      {(found) => (
        <button type="button" class="quote" onClick={() => props.entryId !== null && view.show(props.entryId)}>
          <Icon name="reply" />
          <span class="grow">{found()}</span>
        </button>
      )}
    </Show>
  );
}

export function Reactions(props: { id: string; reactions: readonly Reaction[] }) {
  const { office } = useOffice();
  const { session, canWrite } = useSession();
  const isMine = (reaction: Reaction) => reaction.by.includes(office.me.id);
  const names = (reaction: Reaction) => listNames(reaction.by.map((id) => whoIs(id, office.state.members).name));
  return (
    <Show when={props.reactions.length > 0}>
      <div class="reactions">
        <For each={props.reactions}>
          {(reaction) => (
            <button
              type="button"
              class="reaction"
              aria-pressed={isMine(reaction)}
              aria-label={`${reaction.emoji} from ${names(reaction)}`}
              title={names(reaction)}
              disabled={!canWrite()}
              onClick={() =>
                session.append({ kind: 'react', target: props.id, emoji: reaction.emoji, on: !isMine(reaction) })
              }
            >
              {reaction.emoji} {reaction.by.length}
            </button>
          )}
        </For>
      </div>
    </Show>
  );
}

/** What can be done with a message or an answer. */
export function MessageTools(props: {
  item: TimelineItem;
  text: string;
  isMine: boolean;
  more?: readonly MenuEntry[];
}) {
  const { office, announce } = useOffice();
  const view = useSession();
  const react = (emoji: string) => {
    const mine = props.item.reactions.find((reaction) => reaction.emoji === emoji)?.by.includes(office.me.id) ?? false;
    view.session.append({ kind: 'react', target: props.item.id, emoji, on: !mine });
  };
  const copy = async () => {
    const isCopied = await copyText(props.text);
    announce(isCopied ? 'Copied' : 'This browser does not let pages copy');
  };
  const entries = (): readonly MenuEntry[] => [
    ...(view.canWrite() ? [{ label: 'Reply', icon: 'reply' as const, run: () => view.reply(props.item.id) }] : []),
    { label: 'Copy text', icon: 'copy', run: () => void copy() },
    ...(props.isMine && view.canWrite()
      ? [{ label: 'Edit', icon: 'pencil' as const, run: () => view.setEditing(props.item.id) }]
      : []),
    ...(props.more ?? []),
    ...(view.canWrite() && (props.isMine || view.canModerate())
      ? [
          {
            label: 'Delete',
            icon: 'bin' as const,
            tone: 'danger' as const,
            run: () => view.session.append({ kind: 'retract', target: props.item.id }),
          },
        ]
      : []),
  ];
  return (
    <div class="message-tools" role="toolbar" aria-label="Message actions">
      <Show when={view.canWrite()}>
        <Menu
          label="React"
          icon="smile"
          small
          isRow
          entries={EMOJIS.map((emoji) => ({ label: emoji, run: () => react(emoji) }))}
        />
        <IconButton icon="reply" label="Reply" small onClick={() => view.reply(props.item.id)} />
      </Show>
      <Menu label="More actions" small entries={entries()} />
    </div>
  );
}
