import { createMemo, For, Show } from 'solid-js';
import { COUNCILS, type Council } from '../../sync-server/protocol/organisation.ts';
import { byActivity } from '../sync/session-rows.ts';
import { Avatar } from '../ui/avatar.tsx';
import { useOffice } from './office-context.tsx';
import { Pane } from './pane.tsx';
import { SessionList } from './session-list.tsx';

/** The councils, and the debates they held. */
export function CouncilsPage(props: { onBack: () => void }) {
  const { office } = useOffice();
  const debates = createMemo(() =>
    Object.values(office.state.sessions)
      .filter((session) => session.is_active && session.scope_type === 'council')
      .sort(byActivity),
  );
  const standing = COUNCILS.filter(({ id }) => !id.startsWith('dept-'));
  const departmental = COUNCILS.filter(({ id }) => id.startsWith('dept-'));
  return (
    <Pane
      title="Councils"
      subtitle="Several seats examine one question, and a chair states a decision you can audit"
      onBack={props.onBack}
    >
      <div class="page">
        <section>
          <h2 class="section-title">Standing councils</h2>
          <CouncilCards councils={standing} />
        </section>
        <section>
          <h2 class="section-title">Department councils</h2>
          <CouncilCards councils={departmental} />
        </section>
        <Show when={debates().length > 0}>
          <section>
            <h2 class="section-title">Debates</h2>
            <SessionList sessions={debates()} isScopeShown />
          </section>
        </Show>
      </div>
    </Pane>
  );
}

function CouncilCards(props: { councils: readonly Council[] }) {
  const { office } = useOffice();
  const isOff = (id: string) => office.state.councils.find((council) => council.id === id)?.enabled === false;
  return (
    <div class="card-grid" style={{ 'margin-top': '8px' }}>
      <For each={props.councils}>
        {(council) => (
          <a class="card hued" style={{ '--hue': council.colour }} href={`/councils/${council.id}`}>
            <Avatar name={council.name.replace(/ Council$/, '')} hue={council.colour} shape="hex" size={36} />
            <span class="grow">
              <strong>{council.name}</strong>
              <span class="hint">{isOff(council.id) ? 'Switched off' : `${council.seats.length} seats`}</span>
            </span>
          </a>
        )}
      </For>
    </div>
  );
}
