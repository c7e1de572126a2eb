import { createMemo, For, type JSX, Show } from 'solid-js';
import { DEPARTMENTS, VICE_PRESIDENT } from '../../sync-server/protocol/organisation.ts';
import type { WireSession } from '../../sync-server/protocol/wire.ts';
import { scopePath, sessionPath } from '../router.ts';
import { byActivity } from '../sync/session-rows.ts';
import { Avatar } from '../ui/avatar.tsx';
import { IconButton } from '../ui/button.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { hueOf } from '../ui/initials.ts';
import { scopeFace } from './directory.ts';
import { useOffice } from './office-context.tsx';

const MAX_RECENT = 12;

/** The way through the office: scopes, unread counts, the newest conversations, and whether all of it is live. */
export function Sidebar() {
  const { office, router, openSwitcher } = useOffice();
  const sessions = createMemo(() => Object.values(office.state.sessions).filter((session) => session.is_active));
  const recent = createMemo(() => [...sessions()].sort(byActivity).slice(0, MAX_RECENT));
  const unread = createMemo(() => {
    const counts = new Map<string, number>();
    for (const session of sessions()) {
      if (!office.isUnread(session)) continue;
      for (const key of [session.scope_type, scopePath({ type: session.scope_type, id: session.scope_id })]) {
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    return counts;
  });
  return (
    <div class="sidebar">
      <div class="sidebar-head">
        <a class="brand" href="/" aria-current={router.place().kind === 'map' ? 'page' : undefined}>
          <img src="/mark.svg" alt="" />
          Daena
        </a>
        <IconButton icon="plus" label="New general conversation" onClick={() => router.go('/general')} />
      </div>
      <button type="button" class="sidebar-search" onClick={openSwitcher}>
        <Icon name="search" />
        <span class="grow">Jump to…</span>
        <kbd>{isApple() ? '⌘' : 'Ctrl'} K</kbd>
      </button>
      <nav class="sidebar-nav scroll" aria-label="Office">
        <NavLink href="/executive" label="Executive" hue={VICE_PRESIDENT.colour} count={unread().get('/executive')} />
        <NavGroup label="Departments" href="/departments">
          <For each={DEPARTMENTS}>
            {(department) => (
              <NavLink
                href={`/departments/${department.slug}`}
                label={department.name}
                hue={department.colour}
                count={unread().get(`/departments/${department.slug}`)}
              />
            )}
          </For>
        </NavGroup>
        <NavGroup label="More" isLabelHidden>
          <NavLink href="/agents" label="Agents" icon="spark" count={unread().get('agent')} />
          <NavLink href="/general" label="General" icon="chat" count={unread().get('general')} />
          <NavLink href="/councils" label="Councils" icon="scales" count={unread().get('council')} />
          <NavLink href="/search" label="Search" icon="search" />
          <NavLink href="/bin" label="Bin" icon="bin" />
        </NavGroup>
        <Show when={recent().length > 0}>
          <NavGroup label="Recent">
            <For each={recent()}>{(session) => <RecentLink session={session} />}</For>
          </NavGroup>
        </Show>
      </nav>
      <footer class="sidebar-foot">
        <Avatar name={office.me.name} hue={hueOf(office.me.id)} size={30} />
        <div class="grow">
          {office.me.name}
          <Connection />
        </div>
        <a class="icon-button" href="/settings" aria-label="Settings" title="Settings">
          <Icon name="gear" />
        </a>
      </footer>
    </div>
  );
}

const isApple = () => /mac|iphone|ipad/i.test(navigator.userAgent);

function NavGroup(props: { label: string; isLabelHidden?: boolean; href?: string; children: JSX.Element }) {
  const { router } = useOffice();
  const isHere = () => {
    router.place();
    return props.href === window.location.pathname;
  };
  return (
    <section class="nav-group" aria-label={props.label}>
      <header class={props.isLabelHidden ? 'visually-hidden' : undefined}>
        <Show when={props.href} fallback={<span>{props.label}</span>}>
          {(href) => (
            <a href={href()} aria-current={isHere() ? 'page' : undefined}>
              {props.label}
            </a>
          )}
        </Show>
      </header>
      {props.children}
    </section>
  );
}

function NavLink(props: { href: string; label: string; icon?: IconName; hue?: string; count?: number | undefined }) {
  const { router } = useOffice();
  const isHere = () => {
    router.place();
    return window.location.pathname === props.href;
  };
  return (
    <a
      class="nav-link"
      href={props.href}
      aria-current={isHere() ? 'page' : undefined}
      data-unread={props.count ? '' : undefined}
    >
      <Show when={props.icon} fallback={<span class="hexmark" style={{ '--hue': props.hue ?? 'var(--gold)' }} />}>
        {(icon) => <Icon name={icon()} />}
      </Show>
      <span class="grow">{props.label}</span>
      <Show when={props.count}>
        {(count) => (
          <span class="badge">
            {count()}
            <span class="visually-hidden"> unread</span>
          </span>
        )}
      </Show>
    </a>
  );
}

function RecentLink(props: { session: WireSession }) {
  const { office, router } = useOffice();
  const face = () => scopeFace({ type: props.session.scope_type, id: props.session.scope_id });
  const isHere = () => {
    const place = router.place();
    return place.kind === 'session' && place.sessionId === props.session.session_id;
  };
  const isUnread = () => !isHere() && office.isUnread(props.session);
  return (
    <a
      class="nav-link"
      href={sessionPath(props.session.session_id)}
      aria-current={isHere() ? 'page' : undefined}
      data-unread={isUnread() ? '' : undefined}
      title={face().name}
    >
      <span class="dot" style={{ '--hue': face().hue }} />
      <span class="grow">{props.session.title}</span>
      <Show when={isUnread()}>
        <span class="badge" title="Unread">
          <span aria-hidden="true">•</span>
          <span class="visually-hidden">unread</span>
        </span>
      </Show>
    </a>
  );
}

function Connection() {
  const { office } = useOffice();
  const state = () => {
    switch (office.link()) {
      case 'open':
        return { key: 'live', text: 'Connected' };
      case 'connecting':
        return { key: 'connecting', text: 'Connecting' };
      case 'waiting':
        return { key: 'offline', text: 'Offline, trying again' };
      case 'refused':
        return { key: 'offline', text: 'Signed out' };
    }
  };
  return (
    <span class="connection" data-state={state().key} role="status">
      {state().text}
    </span>
  );
}
