import { For } from 'solid-js';
import { Dialog } from '../ui/dialog.tsx';

const SHORTCUTS = [
  [['Ctrl', 'K'], 'Jump to a conversation, person, agent or place'],
  [['?'], 'Show these keys'],
  [['Enter'], 'Send'],
  [['Shift', 'Enter'], 'New line'],
  [['@'], 'Mention people, agents and departments'],
  [['↑'], 'In an empty message: edit my last one'],
  [['Esc'], 'Stop the answer I asked for'],
  [['↑', '↓'], 'In the conversation: move from message to message'],
] as const;

export function Shortcuts(props: { onClose: () => void }) {
  return (
    <Dialog open title="Keys" onClose={props.onClose}>
      <ul class="dialog-body rows" style={{ gap: 0 }}>
        <For each={SHORTCUTS}>
          {([keys, what]) => (
            <li>
              <span class="grow">{what}</span>
              <span>
                <For each={keys}>{(key) => <kbd>{key}</kbd>}</For>
              </span>
            </li>
          )}
        </For>
      </ul>
    </Dialog>
  );
}
