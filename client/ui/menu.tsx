import { DropdownMenu } from '@kobalte/core/dropdown-menu';
import { Index, Show } from 'solid-js';
import { Icon, type IconName } from './icon.tsx';

export interface MenuEntry {
  readonly label: string;
  readonly icon?: IconName;
  readonly tone?: 'danger';
  readonly run: () => void;
}

/** A button that opens a list of commands; arrow keys, type-ahead and Escape work as everywhere. */
export function Menu(props: {
  label: string;
  icon?: IconName;
  small?: boolean;
  isRow?: boolean;
  entries: readonly MenuEntry[];
}) {
  // A command may move the focus, so it runs once the closing menu has given the focus back.
  let chosen: MenuEntry | undefined;
  const runChosen = () => {
    const entry = chosen;
    chosen = undefined;
    if (entry) queueMicrotask(entry.run);
  };
  return (
    <DropdownMenu gutter={4} placement="bottom-end">
      <DropdownMenu.Trigger
        class="icon-button"
        data-small={props.small ? '' : undefined}
        aria-label={props.label}
        title={props.label}
      >
        <Icon name={props.icon ?? 'more'} />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content class={props.isRow ? 'menu menu-row' : 'menu'} onCloseAutoFocus={runChosen}>
          {/* By index, so that an open menu keeps its items while its entries are computed anew. */}
          <Index each={props.entries}>
            {(entry) => (
              <DropdownMenu.Item
                class="menu-item"
                data-tone={entry().tone}
                onSelect={() => {
                  chosen = entry();
                }}
              >
                <Show when={entry().icon}>{(icon) => <Icon name={icon()} />}</Show>
                {entry().label}
              </DropdownMenu.Item>
            )}
          </Index>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu>
  );
}
