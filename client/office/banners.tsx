import { For, Show } from 'solid-js';
import { useOffice } from './office-context.tsx';

/** Quiet lines about what is not as usual: no more than one of a kind. */
export function Banners() {
  const { office } = useOffice();
  const brain = () => office.state.brain;
  return (
    <div class="banners">
      <Show when={brain()?.provider === 'rehearsal'}>
        <div class="banner" role="note">
          <p>Rehearsal: answers are scripted, not AI, until Ollama is installed.</p>
        </div>
      </Show>
      <Show when={brain()?.provider === 'ollama' && brain()?.llm_available === false}>
        <div class="banner" role="note">
          <p>{brain()?.error ?? 'Ollama does not answer. Messages wait, and agents answer once it is back.'}</p>
        </div>
      </Show>
      <For each={office.device.gaps}>
        {(gap) => (
          <div class="banner" role="note">
            <p>{gap}</p>
          </div>
        )}
      </For>
    </div>
  );
}
