import { initials } from './initials.ts';

/** Initials on a hue; decorative, because the name always stands beside it. */
export function Avatar(props: { name: string; hue: string; shape?: 'square' | 'hex'; size?: number }) {
  return (
    <span
      class="avatar hued"
      data-shape={props.shape}
      style={{ '--hue': props.hue, '--size': `${props.size ?? 36}px` }}
      aria-hidden="true"
    >
      {initials(props.name)}
    </span>
  );
}
