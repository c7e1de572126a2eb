import {
  createEffect,
  createMemo,
  createSignal,
  ErrorBoundary,
  lazy,
  Match,
  on,
  onCleanup,
  onMount,
  Show,
  Suspense,
  Switch,
} from 'solid-js';
import { resolveScope, type Scope } from '../../sync-server/protocol/scope.ts';
import type { Me } from '../../sync-server/protocol/wire.ts';
import type { Place, Router } from '../router.ts';
import type { Api } from '../sync/api.ts';
import { createOffice } from '../sync/create-office.ts';
import type { Device } from '../sync/device.ts';
import { AgentsPage } from './agents-page.tsx';
import { Banners } from './banners.tsx';
import { BinPage } from './bin-page.tsx';
import { CouncilsPage } from './councils-page.tsx';
import { DepartmentsPage } from './departments-page.tsx';
import { OfficeContext } from './office-context.tsx';
import { OfficeMap } from './office-map.tsx';
import { Pane } from './pane.tsx';
import { ScopePage } from './scope-page.tsx';
import { SearchPage } from './search-page.tsx';
import { Sidebar } from './sidebar.tsx';

const loadSessionPage = () => import('./session-page.tsx');
const SessionPage = lazy(() => loadSessionPage().then((module) => ({ default: module.SessionPage })));
const SettingsPage = lazy(() => import('./settings-page.tsx').then((module) => ({ default: module.SettingsPage })));
const Switcher = lazy(() => import('./switcher.tsx').then((module) => ({ default: module.Switcher })));
const Shortcuts = lazy(() => import('./shortcuts.tsx').then((module) => ({ default: module.Shortcuts })));

/** How long after the first view the other parts are fetched, in ms. */
const PRELOAD_MS = 800;

export interface OfficeViewProps {
  readonly me: Me;
  readonly api: Api;
  readonly router: Router;
  readonly device: Device;
  readonly onLeave: () => void;
  /** The office closed a connection for good; answers whether this person is still signed in. */
  readonly onRefused: () => Promise<boolean>;
}

/** The scope whose page a place is; undefined where it is none. */
function scopeOf(place: Place): Scope | null | undefined {
  switch (place.kind) {
    case 'executive':
      return resolveScope('executive', null);
    case 'general':
      return resolveScope('general', null);
    case 'department':
      return resolveScope('department', place.slug);
    case 'agent':
      return resolveScope('agent', place.agentId);
    case 'council':
      return resolveScope('council', place.councilId);
    default:
      return undefined;
  }
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));

/** Everything that a signed-in person sees. */
export function OfficeView(props: OfficeViewProps) {
  const socketOrigin = window.location.origin.replace(/^http/, 'ws');
  // The person does not change while this view lives: another one gets another view.
  const office = createOffice(props.me, props.api, props.device, `${socketOrigin}/ws/events`);
  const [dialog, setDialog] = createSignal<'switcher' | 'shortcuts'>();
  const [announcement, setAnnouncement] = createSignal('');
  const place = () => props.router.place();
  const scope = createMemo(() => scopeOf(place()), undefined, {
    equals: (a, b) => a === b || (a?.type === b?.type && a?.id === b?.id && a !== null),
  });
  const [pane, setPane] = createSignal<'nav' | 'view'>('view');

  // Every way to a place makes a new one, so even a click on the place where one already is shows it on narrow screens.
  createEffect(on(place, () => setPane('view')));
  createEffect(() => {
    if (office.link() === 'refused') void props.onRefused().then((isIn) => isIn && office.reconnect());
  });

  // The office map is up before the heavier parts; they come while nobody waits for them, and then open at once.
  onMount(() => {
    const load = () => Promise.all([loadSessionPage(), import('../editor/composer.tsx')]);
    // What does not come now is asked for again when it is needed.
    const timer = setTimeout(() => void load().catch(() => undefined), PRELOAD_MS);
    onCleanup(() => clearTimeout(timer));
  });

  createEffect(() => {
    const now = place();
    const here = now.kind === 'session' ? office.state.sessions[now.sessionId]?.title : undefined;
    const unread = Object.values(office.state.sessions).filter((session) => office.isUnread(session)).length;
    document.title = [unread > 0 ? `(${unread}) ` : '', here === undefined ? '' : `${here} - `, 'Daena'].join('');
  });

  const onKey = (event: KeyboardEvent) => {
    if ((event.metaKey || event.ctrlKey) && !event.shiftKey && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      setDialog('switcher');
    } else if (event.key === '?' && !isTyping(event.target)) setDialog('shortcuts');
  };
  document.addEventListener('keydown', onKey);
  onCleanup(() => document.removeEventListener('keydown', onKey));

  const context = {
    office,
    router: props.router,
    socketOrigin,
    announce: setAnnouncement,
    openSwitcher: () => setDialog('switcher'),
    signOut: () => props.onLeave(),
  };

  const sessionId = () => {
    const now = place();
    return now.kind === 'session' ? now.sessionId : undefined;
  };

  return (
    <OfficeContext.Provider value={context}>
      <button type="button" class="skip-link" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <div class="office" data-pane={pane()}>
        <Banners />
        <Sidebar />
        <main id="main" class="pane" tabIndex={-1}>
          <ErrorBoundary fallback={(error: unknown) => <Broken error={error} onBack={() => setPane('nav')} />}>
            <Suspense>
              <Switch fallback={<Nowhere onBack={() => setPane('nav')} />}>
                <Match when={place().kind === 'map'}>
                  <OfficeMap onBack={() => setPane('nav')} />
                </Match>
                <Match when={sessionId()} keyed>
                  {(id) => <SessionPage sessionId={id} onBack={() => setPane('nav')} />}
                </Match>
                <Match when={scope()} keyed>
                  {(found) => <ScopePage scope={found} onBack={() => setPane('nav')} />}
                </Match>
                <Match when={place().kind === 'departments'}>
                  <DepartmentsPage onBack={() => setPane('nav')} />
                </Match>
                <Match when={place().kind === 'agents'}>
                  <AgentsPage onBack={() => setPane('nav')} />
                </Match>
                <Match when={place().kind === 'councils'}>
                  <CouncilsPage onBack={() => setPane('nav')} />
                </Match>
                <Match when={place().kind === 'search'}>
                  <SearchPage onBack={() => setPane('nav')} />
                </Match>
                <Match when={place().kind === 'bin'}>
                  <BinPage onBack={() => setPane('nav')} />
                </Match>
                <Match when={place().kind === 'settings'}>
                  <SettingsPage onBack={() => setPane('nav')} />
                </Match>
              </Switch>
            </Suspense>
          </ErrorBoundary>
        </main>
      </div>
      <p class="visually-hidden" role="status" aria-live="polite">
        {announcement()}
      </p>
      <Suspense>
        <Show when={dialog() === 'switcher'}>
          <Switcher onClose={() => setDialog(undefined)} onShortcuts={() => setDialog('shortcuts')} />
        </Show>
        <Show when={dialog() === 'shortcuts'}>
          <Shortcuts onClose={() => setDialog(undefined)} />
        </Show>
      </Suspense>
    </OfficeContext.Provider>
  );
}

/** What is left of a view that could not be shown. What was written is on the device, so a reload loses nothing. */
function Broken(props: { error: unknown; onBack: () => void }) {
  console.error(props.error);
  return (
    <Pane title="This could not be shown" onBack={props.onBack}>
      <div class="empty" role="alert">
        <strong>Something went wrong on this page.</strong>
        What you wrote is kept on this device.
        <button type="button" class="button" onClick={() => window.location.reload()}>
          Reload
        </button>
      </div>
    </Pane>
  );
}

function Nowhere(props: { onBack: () => void }) {
  return (
    <Pane title="Nothing here" onBack={props.onBack}>
      <div class="empty">
        <strong>There is nothing at this address.</strong>
        <a class="button" href="/">
          To the office map
        </a>
      </div>
    </Pane>
  );
}
