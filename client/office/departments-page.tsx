import { createMemo, For, Show } from 'solid-js';
import { DEPARTMENTS } from '../../sync-server/protocol/organisation.ts';
import { byActivity } from '../sync/session-rows.ts';
import { useOffice } from './office-context.tsx';
import { Pane } from './pane.tsx';
import { SessionList } from './session-list.tsx';

/** Every department's sessions, grouped; the department with the newest activity first. */
export function DepartmentsPage(props: { onBack: () => void }) {
  const { office } = useOffice();
  const groups = createMemo(() => {
    const sessions = Object.values(office.state.sessions)
      .filter((session) => session.is_active && session.scope_type === 'department')
      .sort(byActivity);
    return DEPARTMENTS.map((department) => ({
      department,
      sessions: sessions.filter(({ scope_id }) => scope_id === department.slug),
    })).sort((a, b) => ((a.sessions[0]?.updated_at ?? '') < (b.sessions[0]?.updated_at ?? '') ? 1 : -1));
  });
  const isEmpty = () => groups().every(({ sessions }) => sessions.length === 0);
  return (
    <Pane title="Departments" subtitle="All conversations with the eight departments" onBack={props.onBack}>
      <div class="page">
        <Show when={isEmpty()}>
          <p class="hint">No conversations yet. Choose a department and ask it something.</p>
        </Show>
        <For each={groups()}>
          {(group) => (
            <section class="hued" style={{ '--hue': group.department.colour }} aria-label={group.department.name}>
              <h2 class="section-title">
                <span class="hexmark" />
                <a href={`/departments/${group.department.slug}`}>{group.department.name}</a>
              </h2>
              <Show when={group.sessions.length > 0} fallback={<p class="hint">{group.department.about}</p>}>
                <SessionList sessions={group.sessions} />
              </Show>
            </section>
          )}
        </For>
      </div>
    </Pane>
  );
}
