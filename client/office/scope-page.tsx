import { createMemo, For, Show } from 'solid-js';
import { agentOf, agentsOf, departmentOf } from '../../sync-server/protocol/organisation.ts';
import type { Scope } from '../../sync-server/protocol/scope.ts';
import { scopePath, sessionPath } from '../router.ts';
import { byActivity } from '../sync/session-rows.ts';
import { Avatar } from '../ui/avatar.tsx';
import { AgentCard } from './agents-page.tsx';
import { CouncilSeats } from './council-seats.tsx';
import { DebateForm } from './debate-form.tsx';
import { scopeFace } from './directory.ts';
import { firstWords } from './first-words.ts';
import { MessageBox } from './message-box.tsx';
import { useOffice } from './office-context.tsx';
import { Pane } from './pane.tsx';
import { SessionList } from './session-list.tsx';

function invitation(scope: Scope, name: string): string {
  switch (scope.type) {
    case 'executive':
      return 'Ask Daena, or tell her what is on your mind';
    case 'department':
      return `Ask ${name}`;
    case 'agent':
      return `Message ${name}`;
    default:
      return 'Start a conversation; mention agents with @';
  }
}

/** One scope: who answers here, a place to begin, and its conversations. */
export function ScopePage(props: { scope: Scope; onBack: () => void }) {
  const { office, router } = useOffice();
  const face = () => scopeFace(props.scope);
  const sessions = createMemo(() =>
    Object.values(office.state.sessions)
      .filter((session) => session.is_active && session.scope_type === props.scope.type)
      .filter((session) => props.scope.type === 'general' || session.scope_id === props.scope.id)
      .sort(byActivity),
  );
  const begin = (text: string, mentions: Parameters<typeof firstWords.leave>[1]['mentions']): boolean => {
    const id = office.startSession(props.scope, text);
    firstWords.leave(id, { text, mentions });
    router.go(sessionPath(id));
    return true;
  };
  return (
    <Pane
      title={face().name}
      subtitle={face().about}
      onBack={props.onBack}
      lead={<Avatar name={face().name} hue={face().hue} shape="hex" size={34} />}
    >
      <div class="page hued" style={{ '--hue': face().hue }}>
        <Show
          when={props.scope.type === 'council' && props.scope.id}
          fallback={
            <MessageBox
              scope={props.scope}
              draftName={`new${scopePath(props.scope)}`}
              placeholder={invitation(props.scope, face().name)}
              autofocus
              onSend={begin}
            />
          }
        >
          {(id) => (
            <>
              <DebateForm councilId={id()} />
              <CouncilSeats councilId={id()} />
            </>
          )}
        </Show>
        <ScopeAgents scope={props.scope} />
        <section>
          <h2 class="section-title">Conversations</h2>
          <Show
            when={sessions().length > 0}
            fallback={
              <p class="hint">
                {office.isFresh() ? 'None yet. What you write above begins the first.' : 'None on this device yet.'}
              </p>
            }
          >
            <SessionList sessions={sessions()} />
          </Show>
        </section>
      </div>
    </Pane>
  );
}

function ScopeAgents(props: { scope: Scope }) {
  const department = () => (props.scope.type === 'department' ? departmentOf(props.scope.id ?? '') : undefined);
  const agent = () => (props.scope.type === 'agent' ? agentOf(props.scope.id ?? '') : undefined);
  return (
    <>
      <Show when={department()}>
        {(found) => (
          <section>
            <h2 class="section-title">Agents</h2>
            <div class="card-grid" style={{ 'margin-top': '8px' }}>
              <For each={agentsOf(found())}>{(each) => <AgentCard agent={each} />}</For>
            </div>
          </section>
        )}
      </Show>
      <Show when={agent()}>
        {(found) => (
          <p class="hint">
            {found().name} knows about {found().expertise}.
          </p>
        )}
      </Show>
    </>
  );
}
