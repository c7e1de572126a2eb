import { type JSX, splitProps } from 'solid-js';
import { Icon, type IconName } from './icon.tsx';

type ButtonProps = JSX.ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: 'plain' | 'primary' | 'quiet' | 'danger';
  small?: boolean;
};

export function Button(props: ButtonProps) {
  const [own, rest] = splitProps(props, ['look', 'small', 'class', 'type']);
  return (
    <button
      type={own.type ?? 'button'}
      class={`button ${own.class ?? ''}`}
      data-look={own.look}
      data-small={own.small ? '' : undefined}
      {...rest}
    />
  );
}

type IconButtonProps = JSX.ButtonHTMLAttributes<HTMLButtonElement> & { icon: IconName; label: string; small?: boolean };

/** A button that shows only an icon; `label` is its accessible name and its tooltip. */
export function IconButton(props: IconButtonProps) {
  const [own, rest] = splitProps(props, ['icon', 'label', 'small', 'class']);
  return (
    <button
      type="button"
      class={`icon-button ${own.class ?? ''}`}
      data-small={own.small ? '' : undefined}
      aria-label={own.label}
      title={own.label}
      {...rest}
    >
      <Icon name={own.icon} />
    </button>
  );
}
