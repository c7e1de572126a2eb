import { createEffect, createSignal, For, onCleanup, Show } from 'solid-js';
import type { RouteResponse } from '../../sync-server/protocol/api.ts';
import { sessionPath } from '../router.ts';
import { scopeFace } from './directory.ts';
import { useOffice } from './office-context.tsx';
import { Pane } from './pane.tsx';
import { listTime } from './phrases.ts';

const PAUSE_MS = 180;

type Hit = RouteResponse<'search'>['hits'][number];

/** Full-text search over every message; a hit opens at its message. */
export function SearchPage(props: { onBack: () => void }) {
  const { office, router } = useOffice();
  const asked = () => {
    const place = router.place();
    return place.kind === 'search' ? place.query : '';
  };
  const [hits, setHits] = createSignal<readonly Hit[]>();
  const [problem, setProblem] = createSignal<string>();
  createEffect(() => {
    const q = asked().trim();
    if (q === '') {
      setHits(undefined);
      return;
    }
    const aborter = new AbortController();
    const timer = setTimeout(() => {
      void office.api.call('search', { query: { q } }, aborter.signal).then((answer) => {
        if (aborter.signal.aborted) return;
        setHits(answer.ok ? answer.value.hits : undefined);
        setProblem(answer.ok ? undefined : answer.error.message);
      });
    }, PAUSE_MS);
    onCleanup(() => {
      clearTimeout(timer);
      aborter.abort();
    });
  });
  return (
    <Pane title="Search" onBack={props.onBack}>
      <search class="page">
        <input
          class="input"
          type="search"
          aria-label="Search messages"
          placeholder="Words in any message"
          value={asked()}
          autofocus
          onInput={(event) =>
            router.go(`/search?q=${encodeURIComponent(event.currentTarget.value)}`, { replace: true })
          }
        />
        <Show when={problem()}>
          <p class="problem" role="alert">
            {problem()}
          </p>
        </Show>
        <Show when={hits()}>
          {(found) => (
            <section aria-label="Results">
              <p class="hint" role="status">
                {found().length === 0
                  ? 'Nothing found.'
                  : found().length === 1
                    ? '1 message'
                    : `${found().length} messages`}
              </p>
              <ul class="session-list">
                <For each={found()}>{(hit) => <HitRow hit={hit} />}</For>
              </ul>
            </section>
          )}
        </Show>
      </search>
    </Pane>
  );
}

function HitRow(props: { hit: Hit }) {
  const face = () => scopeFace({ type: props.hit.scope_type, id: props.hit.scope_id });
  return (
    <li>
      <a class="session-row" href={sessionPath(props.hit.session_id, props.hit.message_id)}>
        <span class="dot" style={{ '--hue': face().hue }} />
        <span class="grow">
          <strong>
            {props.hit.author_name} <span class="hint">in {props.hit.session_title}</span>
          </strong>
          <span class="snippet">
            <For each={marks(props.hit.snippet)}>{(part) => (part.isFound ? <mark>{part.text}</mark> : part.text)}</For>
          </span>
        </span>
        <time datetime={props.hit.created_at}>{listTime(Date.parse(props.hit.created_at), Date.now())}</time>
      </a>
    </li>
  );
}

/** The parts of a snippet; what was found stands between U+0002 and U+0003. */
function marks(snippet: string): readonly { readonly text: string; readonly isFound: boolean }[] {
  return snippet.split('\u0002').flatMap((part, index) => {
    if (index === 0) return [{ text: part, isFound: false }];
    const [found = '', ...rest] = part.split('\u0003');
    return [
      { text: found, isFound: true },
      { text: rest.join(''), isFound: false },
    ];
  });
}
