import { createSignal, createUniqueId, Show } from 'solid-js';
import { presetSchema } from '../../sync-server/protocol/entry.ts';
import { sessionPath } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { useOffice } from './office-context.tsx';

/** Frames a question and starts its debate. The question is kept on the device until it is under way. */
export function DebateForm(props: { councilId: string }) {
  const { office, router } = useOffice();
  const topicId = createUniqueId();
  const draftKey = () => `daena/${office.me.id}/topic/${props.councilId}`;
  const [topic, setTopic] = createSignal(office.device.shelf.getItem(draftKey()) ?? '');
  const [preset, setPreset] = createSignal<'quick' | 'standard'>('quick');
  const [problem, setProblem] = createSignal<string>();
  const [isBusy, setBusy] = createSignal(false);
  const isOff = () => office.state.councils.find(({ id }) => id === props.councilId)?.enabled === false;
  const edit = (text: string) => {
    setTopic(text);
    office.device.shelf.setItem(draftKey(), text);
  };
  const start = async () => {
    if (isBusy() || topic().trim() === '') return;
    setBusy(true);
    const body = { topic: topic(), preset: preset() };
    const answer = await office.api.call('startDebate', { params: { id: props.councilId }, body });
    setBusy(false);
    setProblem(answer.ok ? undefined : answer.error.message);
    if (!answer.ok) return;
    office.device.shelf.removeItem(draftKey());
    router.go(sessionPath(answer.value.session_id));
  };
  return (
    <form
      class="panel"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <div class="field">
        <label for={topicId}>Question for the council</label>
        <textarea
          id={topicId}
          class="input"
          rows="3"
          maxLength={4000}
          placeholder="What should be decided, and between what?"
          value={topic()}
          onInput={(event) => edit(event.currentTarget.value)}
        />
      </div>
      <Show when={problem()}>
        <p class="problem" role="alert">
          {problem()}
        </p>
      </Show>
      <div class="row">
        <fieldset class="segmented" aria-label="Depth">
          <label>
            <input
              class="visually-hidden"
              type="radio"
              name="preset"
              checked={preset() === presetSchema.enum.quick}
              onChange={() => setPreset('quick')}
            />
            Quick
          </label>
          <label>
            <input
              class="visually-hidden"
              type="radio"
              name="preset"
              checked={preset() === presetSchema.enum.standard}
              onChange={() => setPreset('standard')}
            />
            Standard
          </label>
        </fieldset>
        <span class="grow hint">{isOff() ? 'This council is switched off.' : ''}</span>
        <Button type="submit" look="primary" disabled={isBusy() || isOff() || topic().trim() === ''}>
          Start debate
        </Button>
      </div>
    </form>
  );
}
