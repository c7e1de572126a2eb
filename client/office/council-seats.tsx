import { createSignal, For, Show } from 'solid-js';
import { councilOf } from '../../sync-server/protocol/organisation.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Button } from '../ui/button.tsx';
import { useOffice } from './office-context.tsx';

/** A council's seats; the owner switches them, and the council itself, on and off. */
export function CouncilSeats(props: { councilId: string }) {
  const { office } = useOffice();
  const [problem, setProblem] = createSignal<string>();
  const council = () => councilOf(props.councilId);
  const wire = () => office.state.councils.find(({ id }) => id === props.councilId);
  const isOn = (seat: string) => wire()?.experts.find(({ id }) => id === seat)?.enabled ?? true;
  const isOwner = () => office.me.role === 'owner';
  const toggleSeat = async (seat: string) => {
    const answer = await office.api.call('toggleExpert', { params: { id: props.councilId, eid: seat } });
    if (answer.ok) office.noteCouncil(answer.value.council);
    setProblem(answer.ok ? undefined : answer.error.message);
  };
  const toggleCouncil = async () => {
    const answer = await office.api.call('toggleCouncil', { params: { id: props.councilId } });
    if (answer.ok) office.noteCouncil(answer.value.council);
    setProblem(answer.ok ? undefined : answer.error.message);
  };
  return (
    <section>
      <div class="row">
        <h2 class="section-title grow">Seats</h2>
        <Show when={isOwner()}>
          <Button small look="quiet" onClick={() => void toggleCouncil()}>
            {wire()?.enabled === false ? 'Switch council on' : 'Switch council off'}
          </Button>
        </Show>
      </div>
      <Show when={problem()}>
        <p class="problem" role="alert">
          {problem()}
        </p>
      </Show>
      <div class="card-grid" style={{ 'margin-top': '8px' }}>
        <For each={council()?.seats ?? []}>
          {(seat) => (
            <div class="card hued" style={{ '--hue': council()?.colour ?? '#888', opacity: isOn(seat.id) ? 1 : 0.6 }}>
              <Avatar name={seat.name} hue={council()?.colour ?? '#888'} shape="hex" size={36} />
              <span class="grow">
                <strong>{seat.name}</strong>
                <span class="hint">{seat.title}</span>
              </span>
              <Show when={isOwner()}>
                <Button
                  small
                  look="quiet"
                  aria-pressed={isOn(seat.id)}
                  aria-label={`${seat.name} takes part`}
                  onClick={() => void toggleSeat(seat.id)}
                >
                  {isOn(seat.id) ? 'On' : 'Off'}
                </Button>
              </Show>
            </div>
          )}
        </For>
      </div>
    </section>
  );
}
