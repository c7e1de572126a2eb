import { Dialog as Primitive } from '@kobalte/core/dialog';
import type { JSX } from 'solid-js';
import { Icon } from './icon.tsx';

/** A modal dialog with a title; focus is trapped and returns, Escape and the scrim close it. */
export function Dialog(props: {
  open: boolean;
  title: string;
  /** Leaves out the header; the title still names the dialog for assistive technology. */
  bare?: boolean;
  onClose: () => void;
  children: JSX.Element;
}) {
  return (
    <Primitive open={props.open} onOpenChange={(open) => !open && props.onClose()}>
      <Primitive.Portal>
        <Primitive.Overlay class="overlay" />
        <div class="dialog-place">
          <Primitive.Content class="dialog">
            <header class={props.bare ? 'visually-hidden' : undefined}>
              <Primitive.Title>{props.title}</Primitive.Title>
              <Primitive.CloseButton class="icon-button" aria-label="Close">
                <Icon name="close" />
              </Primitive.CloseButton>
            </header>
            {props.children}
          </Primitive.Content>
        </div>
      </Primitive.Portal>
    </Primitive>
  );
}
