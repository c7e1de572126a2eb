import { createMemo, For, Show } from 'solid-js';
import { agentsOf, DEPARTMENTS, type Department, VICE_PRESIDENT } from '../../sync-server/protocol/organisation.ts';
import type { TurnView } from '../../sync-server/protocol/turn.ts';
import { useOffice } from './office-context.tsx';
import { BackButton } from './pane.tsx';

/** Column and row of each department's cell: [wide x, wide y, narrow x, narrow y]. Daena is the centre of both. */
const PLACES = [
  [1.5, 0, 1, 0],
  [2.5, 0, 0.5, 1],
  [0, 1, 1.5, 1],
  [1, 1, 0, 2],
  [3, 1, 2, 2],
  [4, 1, 0.5, 3],
  [1.5, 2, 1.5, 3],
  [2.5, 2, 1, 4],
] as const;
const CENTRE = [2, 1, 1, 2] as const;

function placeStyle([wx, wy, nx, ny]: readonly [number, number, number, number], hue: string) {
  return { '--wx': wx, '--wy': wy, '--nx': nx, '--ny': ny, '--hue': hue };
}

function workOf(turns: readonly TurnView[]): string {
  const working = new Set(turns.filter(({ state }) => state !== 'queued').map(({ agent_id }) => agent_id)).size;
  const queued = turns.filter(({ state }) => state === 'queued').length;
  const parts = [...(working > 0 ? [`${working} working`] : []), ...(queued > 0 ? [`${queued} queued`] : [])];
  return parts.join(', ');
}

function greeting(name: string, hour: number): string {
  const part = hour < 5 ? 'Good night' : hour < 12 ? 'Good morning' : hour < 18 ? 'Good afternoon' : 'Good evening';
  return `${part}, ${name.split(' ')[0]}`;
}

/** The eight departments round Daena, live: who is working, what waits, what is new. */
export function OfficeMap(props: { onBack: () => void }) {
  const { office } = useOffice();
  const turns = createMemo(() => Object.values(office.state.turns));
  const daenaTurns = () => turns().filter(({ agent_id }) => agent_id === VICE_PRESIDENT.id);
  const summary = () => workOf(turns()) || 'Everyone is free';
  return (
    <div class="pane-body scroll">
      <div class="map-page">
        <header class="map-intro">
          <div style={{ position: 'absolute' }}>
            <BackButton onBack={props.onBack} />
          </div>
          <h1>{greeting(office.me.name, new Date().getHours())}</h1>
          <p role="status">{summary()}</p>
        </header>
        <section class="honeycomb" aria-label="Office map">
          <a
            class="cell hued"
            data-centre
            style={placeStyle(CENTRE, VICE_PRESIDENT.colour)}
            data-working={daenaTurns().length > 0 ? '' : undefined}
            href="/executive"
          >
            <strong>{VICE_PRESIDENT.name}</strong>
            <span class="hint">{workOf(daenaTurns()) || VICE_PRESIDENT.title}</span>
          </a>
          <For each={DEPARTMENTS}>
            {(department, index) => <Cell department={department} place={PLACES[index()] ?? CENTRE} turns={turns()} />}
          </For>
        </section>
      </div>
    </div>
  );
}

function Cell(props: {
  department: Department;
  place: readonly [number, number, number, number];
  turns: readonly TurnView[];
}) {
  const { office } = useOffice();
  const agents = () => agentsOf(props.department);
  const own = () => props.turns.filter(({ agent_id }) => agent_id.startsWith(`${props.department.slug}/`));
  const stateOf = (agent: string) => {
    const turn = own().find(({ agent_id }) => agent_id === agent);
    return turn === undefined ? 'idle' : turn.state === 'queued' ? 'queued' : 'busy';
  };
  const unread = () =>
    Object.values(office.state.sessions).filter(
      (session) =>
        session.scope_type === 'department' && session.scope_id === props.department.slug && office.isUnread(session),
    ).length;
  return (
    <a
      class="cell hued"
      style={placeStyle(props.place, props.department.colour)}
      data-working={own().length > 0 ? '' : undefined}
      href={`/departments/${props.department.slug}`}
    >
      <strong>{props.department.name}</strong>
      <span class="seats" aria-hidden="true">
        <For each={agents()}>{(agent) => <span class="seat" data-state={stateOf(agent.id)} title={agent.name} />}</For>
      </span>
      <Show
        when={workOf(own())}
        fallback={
          <Show when={unread() > 0}>
            <span class="badge">
              {unread()}
              <span class="visually-hidden"> unread</span>
            </span>
          </Show>
        }
      >
        {(work) => <span class="hint">{work()}</span>}
      </Show>
    </a>
  );
}
