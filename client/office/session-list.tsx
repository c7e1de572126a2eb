import { For, Show } from 'solid-js';
import type { WireSession } from '../../sync-server/protocol/wire.ts';
import { sessionPath } from '../router.ts';
import { Avatar } from '../ui/avatar.tsx';
import { scopeFace } from './directory.ts';
import { useOffice } from './office-context.tsx';
import { listTime } from './phrases.ts';
import { plainText } from './plain-text.ts';

/** Rows of sessions, each a link. */
export function SessionList(props: { sessions: readonly WireSession[]; isScopeShown?: boolean }) {
  return (
    <ul class="session-list">
      <For each={props.sessions}>
        {(session) => (
          <li>
            <SessionRow session={session} isScopeShown={props.isScopeShown ?? false} />
          </li>
        )}
      </For>
    </ul>
  );
}

function SessionRow(props: { session: WireSession; isScopeShown: boolean }) {
  const { office } = useOffice();
  const face = () => scopeFace({ type: props.session.scope_type, id: props.session.scope_id });
  const last = () => props.session.last_message;
  const snippet = () => {
    const message = last();
    if (message === null) return 'No messages yet';
    return `${message.author_name}: ${message.deleted ? 'message deleted' : plainText(message.content)}`;
  };
  const isWorking = () =>
    Object.values(office.state.turns).some(({ session_id }) => session_id === props.session.session_id);
  return (
    <a class="session-row hued" style={{ '--hue': face().hue }} href={sessionPath(props.session.session_id)}>
      <Avatar name={face().name} hue={face().hue} shape="hex" size={36} />
      <span class="grow">
        <strong>{props.session.title}</strong>
        <span class="snippet">
          {props.isScopeShown ? `${face().name} · ` : ''}
          {snippet()}
        </span>
      </span>
      <span class="side">
        <time datetime={props.session.updated_at}>{listTime(Date.parse(props.session.updated_at), Date.now())}</time>
        <Show when={isWorking()} fallback={<Unread session={props.session} />}>
          <span class="pulse" title="An agent is working" />
        </Show>
      </span>
    </a>
  );
}

function Unread(props: { session: WireSession }) {
  const { office } = useOffice();
  return (
    <Show when={office.isUnread(props.session)}>
      <span class="badge" style={{ 'min-width': '10px', height: '10px', padding: 0 }}>
        <span class="visually-hidden">unread</span>
      </span>
    </Show>
  );
}
