import { createMemo, For, Show } from 'solid-js';
import { type Agent, agentsOf, DEPARTMENTS } from '../../sync-server/protocol/organisation.ts';
import { byActivity } from '../sync/session-rows.ts';
import { Avatar } from '../ui/avatar.tsx';
import { useOffice } from './office-context.tsx';
import { Pane } from './pane.tsx';
import { SessionList } from './session-list.tsx';

/** The 48 agents, by department, and the conversations held with them alone. */
export function AgentsPage(props: { onBack: () => void }) {
  const { office } = useOffice();
  const sessions = createMemo(() =>
    Object.values(office.state.sessions)
      .filter((session) => session.is_active && session.scope_type === 'agent')
      .sort(byActivity),
  );
  return (
    <Pane title="Agents" subtitle="Talk with one agent alone" onBack={props.onBack}>
      <div class="page">
        <Show when={sessions().length > 0}>
          <section>
            <h2 class="section-title">Conversations</h2>
            <SessionList sessions={sessions()} />
          </section>
        </Show>
        <For each={DEPARTMENTS}>
          {(department) => (
            <section class="hued" style={{ '--hue': department.colour }}>
              <h2 class="section-title">
                <span class="hexmark" />
                {department.name}
              </h2>
              <div class="card-grid" style={{ 'margin-top': '8px' }}>
                <For each={agentsOf(department)}>{(agent) => <AgentCard agent={agent} />}</For>
              </div>
            </section>
          )}
        </For>
      </div>
    </Pane>
  );
}

export function AgentCard(props: { agent: Agent }) {
  const { office } = useOffice();
  const turn = () => Object.values(office.state.turns).find(({ agent_id }) => agent_id === props.agent.id);
  return (
    <a class="card hued" style={{ '--hue': props.agent.colour }} href={`/agents/${props.agent.id}`}>
      <Avatar name={props.agent.name} hue={props.agent.colour} shape="hex" size={36} />
      <span class="grow">
        <strong>{props.agent.name}</strong>
        <span class="hint">{props.agent.title}</span>
      </span>
      <Show when={turn()}>
        {(found) => <span class="pulse" title={found().state === 'queued' ? 'Queued' : 'Working'} />}
      </Show>
    </a>
  );
}
