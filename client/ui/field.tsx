import { createUniqueId, type JSX, Show, splitProps } from 'solid-js';

type FieldProps = JSX.InputHTMLAttributes<HTMLInputElement> & { label: string; hint?: string };

/** A labelled text input; the hint is read after the label. */
export function Field(props: FieldProps) {
  const id = createUniqueId();
  const [own, rest] = splitProps(props, ['label', 'hint']);
  return (
    <div class="field">
      <label for={id}>{own.label}</label>
      <input id={id} class="input" aria-describedby={own.hint ? `${id}-hint` : undefined} {...rest} />
      <Show when={own.hint}>
        <p id={`${id}-hint`} class="hint">
          {own.hint}
        </p>
      </Show>
    </div>
  );
}
