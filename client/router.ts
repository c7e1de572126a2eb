import { createSignal, onCleanup } from 'solid-js';

/** The places of the office, one variant per address. */
export type Place =
  | { readonly kind: 'map' }
  | { readonly kind: 'executive' }
  | { readonly kind: 'departments' }
  | { readonly kind: 'department'; readonly slug: string }
  | { readonly kind: 'agents' }
  | { readonly kind: 'agent'; readonly agentId: string }
  | { readonly kind: 'general' }
  | { readonly kind: 'councils' }
  | { readonly kind: 'council'; readonly councilId: string }
  | { readonly kind: 'session'; readonly sessionId: string; readonly messageId: string | undefined }
  | { readonly kind: 'settings' }
  | { readonly kind: 'bin' }
  | { readonly kind: 'search'; readonly query: string }
  | { readonly kind: 'setup'; readonly token: string }
  | { readonly kind: 'invite'; readonly token: string }
  | { readonly kind: 'reset'; readonly token: string }
  | { readonly kind: 'unknown'; readonly path: string };

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The place that an address names. Tokens travel in the fragment, which browsers never send to a server. */
export function placeOf(path: string, search: string, fragment: string): Place {
  const [first = '', second = '', third = '', ...rest] = path.split('/').filter(Boolean).map(decoded);
  const token = decoded(fragment.replace(/^#/, ''));
  if (rest.length > 0 || (third !== '' && first !== 'agents')) return { kind: 'unknown', path };
  switch (first) {
    case '':
      return { kind: 'map' };
    case 'departments':
      return second === '' ? { kind: 'departments' } : { kind: 'department', slug: second };
    case 'agents':
      return third === '' ? { kind: 'agents' } : { kind: 'agent', agentId: `${second}/${third}` };
    case 'councils':
      return second === '' ? { kind: 'councils' } : { kind: 'council', councilId: second };
    case 's':
      return { kind: 'session', sessionId: second, messageId: token === '' ? undefined : token };
    case 'search':
      return { kind: 'search', query: new URLSearchParams(search).get('q') ?? '' };
    case 'setup':
    case 'invite':
    case 'reset':
      return { kind: first, token };
    case 'executive':
    case 'general':
    case 'settings':
    case 'bin':
      return second === '' ? { kind: first } : { kind: 'unknown', path };
    default:
      return { kind: 'unknown', path };
  }
}

export const sessionPath = (sessionId: string, messageId?: string): string =>
  `/s/${encodeURIComponent(sessionId)}${messageId === undefined ? '' : `#${encodeURIComponent(messageId)}`}`;

/** Where a scope's conversations are listed and begun. */
export function scopePath(scope: { readonly type: string; readonly id: string | null }): string {
  switch (scope.type) {
    case 'department':
      return `/departments/${scope.id}`;
    case 'agent':
      return `/agents/${scope.id}`;
    case 'council':
      return `/councils/${scope.id}`;
    case 'executive':
      return '/executive';
    default:
      return '/general';
  }
}

export interface Router {
  readonly place: () => Place;
  /** Goes to an address of this office; `replace` keeps the history's length. */
  readonly go: (address: string, options?: { readonly replace?: boolean }) => void;
}

/** Follows the History API, and takes over plain clicks on links that stay in this office. */
export function createRouter(view: Window): Router {
  const read = () => placeOf(view.location.pathname, view.location.search, view.location.hash);
  const [place, setPlace] = createSignal<Place>(read());
  const go: Router['go'] = (address, options) => {
    if (options?.replace) view.history.replaceState(null, '', address);
    else view.history.pushState(null, '', address);
    setPlace(read());
  };
  const onMove = () => setPlace(read());
  const onClick = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
    if (!(link instanceof HTMLAnchorElement) || link.target === '_blank' || link.hasAttribute('download')) return;
    if (link.origin !== view.location.origin || /^\/(api|sync|ws)\//.test(link.pathname)) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  };
  view.addEventListener('popstate', onMove);
  view.document.addEventListener('click', onClick);
  onCleanup(() => {
    view.removeEventListener('popstate', onMove);
    view.document.removeEventListener('click', onClick);
  });
  return { place, go };
}
