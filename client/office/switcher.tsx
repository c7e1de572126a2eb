import { createMemo, createSignal, createUniqueId, For, Show } from 'solid-js';
import { AGENTS, COUNCILS, DEPARTMENTS } from '../../sync-server/protocol/organisation.ts';
import { sessionPath } from '../router.ts';
import { byActivity } from '../sync/session-rows.ts';
import { Dialog } from '../ui/dialog.tsx';
import { bestMatches, scopeFace } from './directory.ts';
import { useOffice } from './office-context.tsx';
import { listTime } from './phrases.ts';

const MAX_RESULTS = 12;

interface Choice {
  readonly name: string;
  readonly detail: string;
  readonly hue: string;
  readonly run: () => void;
}

/** One box that goes anywhere: conversations, departments, agents, councils, pages, and full-text search. */
export function Switcher(props: { onClose: () => void; onShortcuts: () => void }) {
  const { office, router, signOut } = useOffice();
  const listId = createUniqueId();
  const [query, setQuery] = createSignal('');
  const [chosen, setChosen] = createSignal(0);
  const go = (address: string) => () => {
    props.onClose();
    router.go(address);
  };
  const sessions = (): readonly Choice[] =>
    Object.values(office.state.sessions)
      .filter(({ is_active }) => is_active)
      .sort(byActivity)
      .map((session) => {
        const face = scopeFace({ type: session.scope_type, id: session.scope_id });
        const when = listTime(Date.parse(session.updated_at), Date.now());
        return {
          name: session.title,
          detail: `${face.name}, ${when}`,
          hue: face.hue,
          run: go(sessionPath(session.session_id)),
        };
      });
  const places = (): readonly Choice[] => [
    ...[
      ['Office map', '/'],
      ['Executive', '/executive'],
      ['Departments', '/departments'],
      ['Agents', '/agents'],
      ['General', '/general'],
      ['Councils', '/councils'],
      ['Bin', '/bin'],
      ['Settings', '/settings'],
    ].map(([name = '', address = '']) => ({ name, detail: 'Go to', hue: 'var(--gold)', run: go(address) })),
    ...DEPARTMENTS.map(({ name, slug, colour }) => ({
      name,
      detail: 'Department',
      hue: colour,
      run: go(`/departments/${slug}`),
    })),
    ...AGENTS.filter(({ kind }) => kind === 'department').map(({ id, name, title, colour }) => ({
      name,
      detail: title,
      hue: colour,
      run: go(`/agents/${id}`),
    })),
    ...COUNCILS.map(({ id, name, colour }) => ({ name, detail: 'Council', hue: colour, run: go(`/councils/${id}`) })),
    { name: 'Keys', detail: 'Help', hue: 'var(--gold)', run: () => props.onShortcuts() },
    { name: 'Sign out', detail: 'Command', hue: 'var(--gold)', run: signOut },
  ];
  const choices = createMemo((): readonly Choice[] => {
    const asked = query().trim();
    if (asked === '') return sessions().slice(0, MAX_RESULTS);
    const found = bestMatches([...sessions(), ...places()], asked, ({ name }) => name, MAX_RESULTS);
    const search = {
      name: `Search messages for “${asked}”`,
      detail: 'Full text',
      hue: 'var(--gold)',
      run: go(`/search?q=${encodeURIComponent(asked)}`),
    };
    return [...found, search];
  });
  const onKey = (event: KeyboardEvent) => {
    const count = choices().length;
    if (event.key === 'ArrowDown') setChosen((index) => (index + 1) % Math.max(1, count));
    else if (event.key === 'ArrowUp') setChosen((index) => (index - 1 + count) % Math.max(1, count));
    else if (event.key === 'Enter') choices()[chosen()]?.run();
    else return;
    event.preventDefault();
  };
  return (
    <Dialog open bare title="Jump to" onClose={props.onClose}>
      <div class="switcher">
        <input
          class="input"
          role="combobox"
          aria-label="Jump to"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={`${listId}-${chosen()}`}
          aria-autocomplete="list"
          placeholder="Jump to a conversation, agent or place"
          value={query()}
          autofocus
          onInput={(event) => {
            setQuery(event.currentTarget.value);
            setChosen(0);
          }}
          onKeyDown={onKey}
        />
        <div id={listId} class="switcher-list scroll" role="listbox" aria-label="Places">
          <For each={choices()} fallback={<p class="empty">Nothing by that name.</p>}>
            {(choice, index) => (
              <div
                id={`${listId}-${index()}`}
                class="menu-item"
                role="option"
                tabIndex={-1}
                aria-selected={index() === chosen()}
                onMouseMove={() => setChosen(index())}
                onClick={() => choice.run()}
                onKeyDown={onKey}
              >
                <span class="dot" style={{ '--hue': choice.hue }} />
                <span class="grow">{choice.name}</span>
                <Show when={choice.detail}>
                  <span class="hint">{choice.detail}</span>
                </Show>
              </div>
            )}
          </For>
        </div>
      </div>
    </Dialog>
  );
}
