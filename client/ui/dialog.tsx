import { Dialog as Primitive } from '@kobalte/core/dialog';
import { type JSX, Show } from 'solid-js';
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
            <Show
              when={!props.bare}
              fallback={<Primitive.Title class="visually-hidden">{props.title}</Primitive.Title>}
            >
              <header>
                <Primitive.Title>{props.title}</Primitive.Title>
                <Primitive.CloseButton class="icon-button" aria-label="Close">
                  <Icon name="close" />
                </Primitive.CloseButton>
              </header>
            </Show>
            {props.children}
          </Primitive.Content>
        </div>
      </Primitive.Portal>
    </Primitive>
  );
}
