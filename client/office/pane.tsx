import { type JSX, Show } from 'solid-js';
import { IconButton } from '../ui/button.tsx';

/** A page of the office: a head with its title, and a body that scrolls. */
export function Pane(props: {
  title: string;
  subtitle?: string;
  onBack: () => void;
  actions?: JSX.Element;
  lead?: JSX.Element;
  children: JSX.Element;
}) {
  return (
    <>
      <header class="pane-head">
        <BackButton onBack={props.onBack} />
        {props.lead}
        <div class="pane-title">
          <h1>{props.title}</h1>
          <Show when={props.subtitle}>
            <p class="sub">{props.subtitle}</p>
          </Show>
        </div>
        {props.actions}
      </header>
      <div class="pane-body scroll">{props.children}</div>
    </>
  );
}

/** On narrow screens, back to the list of places. */
export function BackButton(props: { onBack: () => void }) {
  return <IconButton class="only-narrow" icon="back" label="Back to the office" onClick={() => props.onBack()} />;
}
