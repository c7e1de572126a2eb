import { Show } from 'solid-js';
import type { Session } from '../sync/create-session.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { useOffice } from './office-context.tsx';
import { listNames } from './phrases.ts';

/** Who else is typing here. */
export function TypingLine(props: { session: Session }) {
  const { office } = useOffice();
  const names = () => {
    const others = props.session.state.people.filter(({ id, isTyping }) => isTyping && id !== office.me.id);
    return others.map(({ name }) => name);
  };
  const words = () =>
    names().length === 0 ? '' : `${listNames(names())} ${names().length === 1 ? 'is' : 'are'} typing…`;
  return <p class="typing">{words()}</p>;
}

/** What stands between this conversation and the office, in one quiet line each. */
export function Trouble(props: { session: Session; problem: string | undefined; onDismiss: () => void }) {
  const words = () => {
    if (props.problem !== undefined) return props.problem;
    const refused = props.session.problem();
    if (refused !== undefined) return refused.message;
    const link = props.session.link();
    if (link.kind === 'refused') return refusedBecause(link.code, link.reason);
    return undefined;
  };
  return (
    <>
      <Show when={words()}>
        {(text) => (
          <p class="problem row" role="alert">
            <span class="grow">{text()}</span>
            <Show when={props.problem}>
              <IconButton icon="close" label="Dismiss" small onClick={() => props.onDismiss()} />
            </Show>
          </p>
        )}
      </Show>
      <Show when={props.session.isStorageBroken()}>
        <p class="hint">
          This device cannot keep a copy right now, perhaps because it is full. Keep this tab open until messages are
          saved.
        </p>
      </Show>
    </>
  );
}

function refusedBecause(code: number, reason: string): string {
  switch (code) {
    case 4401:
      return 'You are signed out. Reload this page to sign in; what you wrote here is kept.';
    case 4403:
      return 'You no longer have access to this conversation.';
    case 4404:
      return 'The office does not know this conversation.';
    default:
      return reason === '' ? 'The office closed this conversation. Reload the page.' : reason;
  }
}

/** In place of the composer, where nothing can be written. */
export function Closed(props: { sessionId: string; isBinned: boolean }) {
  const { office } = useOffice();
  const restore = async () => {
    const answer = await office.api.call('restoreSession', { params: { id: props.sessionId } });
    if (answer.ok) office.noteSession(answer.value.session);
  };
  return (
    <Show when={props.isBinned}>
      <p class="banner">
        <span class="grow">This conversation is in the bin.</span>
        <Button small onClick={() => void restore()}>
          Restore
        </Button>
      </p>
    </Show>
  );
}
