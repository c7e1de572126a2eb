import { createMemo, createSignal, For, Show } from 'solid-js';
import type { WireSession } from '../../sync-server/protocol/wire.ts';
import { byActivity } from '../sync/session-rows.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Button } from '../ui/button.tsx';
import { scopeFace } from './directory.ts';
import { useOffice } from './office-context.tsx';
import { Pane } from './pane.tsx';

/** What was thrown away, to look at and to take out again. */
export function BinPage(props: { onBack: () => void }) {
  const { office } = useOffice();
  const [problem, setProblem] = createSignal<string>();
  const binned = createMemo(() =>
    Object.values(office.state.sessions)
      .filter((session) => !session.is_active)
      .sort(byActivity),
  );
  const restore = async (session: WireSession) => {
    const answer = await office.api.call('restoreSession', { params: { id: session.session_id } });
    if (answer.ok) office.noteSession(answer.value.session);
    setProblem(answer.ok ? undefined : answer.error.message);
  };
  return (
    <Pane title="Bin" subtitle="Conversations that were put away" onBack={props.onBack}>
      <div class="page">
        <Show when={problem()}>
          <p class="problem" role="alert">
            {problem()}
          </p>
        </Show>
        <Show when={binned().length > 0} fallback={<div class="empty">The bin is empty.</div>}>
          <ul class="rows">
            <For each={binned()}>
              {(session) => {
                const face = scopeFace({ type: session.scope_type, id: session.scope_id });
                return (
                  <li>
                    <Avatar name={face.name} hue={face.hue} shape="hex" size={34} />
                    <a class="grow" href={`/s/${session.session_id}`}>
                      {session.title} <span class="hint">{face.name}</span>
                    </a>
                    <Button small onClick={() => void restore(session)}>
                      Restore
                    </Button>
                  </li>
                );
              }}
            </For>
          </ul>
        </Show>
      </div>
    </Pane>
  );
}
