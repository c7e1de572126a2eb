/**
 * The composer's editor: Lexical on plain Markdown source, bound by hand. It knows text, mentions and keys,
 * and nothing of sessions.
 */
import { createEmptyHistoryState, registerHistory } from '@lexical/history';
import { registerPlainText } from '@lexical/plain-text';
import { mergeRegister } from '@lexical/utils';
import {
  $createLineBreakNode,
  $createParagraphNode,
  $createTextNode,
  $getRoot,
  $getSelection,
  $isElementNode,
  $isRangeSelection,
  $isTextNode,
  CLEAR_HISTORY_COMMAND,
  COMMAND_PRIORITY_HIGH,
  createEditor,
  KEY_ARROW_DOWN_COMMAND,
  KEY_ARROW_UP_COMMAND,
  KEY_ENTER_COMMAND,
  KEY_ESCAPE_COMMAND,
  KEY_TAB_COMMAND,
  type LexicalEditor,
  type LexicalNode,
} from 'lexical';
import { type Composed, type Mention, mentionQuery, piecesOf } from './composed.ts';
import { $createMentionNode, $isMentionNode, MentionNode } from './mention-node.ts';

const HISTORY_MERGE_MS = 600;

/** Each answers whether it used the key; an unused key does what it always does. */
export interface EditorKeys {
  readonly enter: (event: KeyboardEvent) => boolean;
  readonly up: () => boolean;
  readonly down: () => boolean;
  readonly tab: () => boolean;
  readonly escape: () => boolean;
}

export interface PlainEditor {
  readonly focus: () => void;
  readonly read: () => Composed;
  readonly write: (composed: Composed) => void;
  readonly insertMention: (mention: Mention) => void;
  readonly insertText: (text: string) => void;
  readonly dispose: () => void;
}

function $nodesOf(composed: Composed): LexicalNode[] {
  return piecesOf(composed).flatMap((piece): LexicalNode[] => {
    if (piece.kind === 'mention') return [$createMentionNode(piece.mention)];
    return piece.text
      .split('\n')
      .flatMap((line, index) => [
        ...(index > 0 ? [$createLineBreakNode()] : []),
        ...(line === '' ? [] : [$createTextNode(line)]),
      ]);
  });
}

function $mentionsIn(node: LexicalNode): readonly Mention[] {
  if ($isMentionNode(node)) return [node.__mention];
  return $isElementNode(node) ? node.getChildren().flatMap($mentionsIn) : [];
}

function $read(): Composed {
  const unique = new Map($mentionsIn($getRoot()).map((mention) => [`${mention.kind}/${mention.id}`, mention]));
  return { text: $getRoot().getTextContent(), mentions: [...unique.values()] };
}

function $query(): string | undefined {
  const selection = $getSelection();
  if (!$isRangeSelection(selection) || !selection.isCollapsed()) return undefined;
  const node = selection.anchor.getNode();
  if (!$isTextNode(node) || $isMentionNode(node)) return undefined;
  return mentionQuery(node.getTextContent().slice(0, selection.anchor.offset));
}

function $insertMention(mention: Mention): void {
  const selection = $getSelection() ?? $getRoot().selectEnd();
  if (!$isRangeSelection(selection)) return;
  const node = selection.anchor.getNode();
  const query = $query();
  if ($isTextNode(node) && query !== undefined) {
    const caret = selection.anchor.offset;
    node.select(caret - query.length - 1, caret);
  }
  const space = $createTextNode(' ');
  $getSelection()?.insertNodes([$createMentionNode(mention), space]);
  space.selectEnd();
}

function registerKeys(editor: LexicalEditor, keys: EditorKeys): () => void {
  const used = (isUsed: boolean, event: KeyboardEvent | null): boolean => {
    if (isUsed) event?.preventDefault();
    return isUsed;
  };
  return mergeRegister(
    editor.registerCommand(
      KEY_ENTER_COMMAND,
      (event) => event !== null && !event.isComposing && used(keys.enter(event), event),
      COMMAND_PRIORITY_HIGH,
    ),
    editor.registerCommand(KEY_ARROW_UP_COMMAND, (event) => used(keys.up(), event), COMMAND_PRIORITY_HIGH),
    editor.registerCommand(KEY_ARROW_DOWN_COMMAND, (event) => used(keys.down(), event), COMMAND_PRIORITY_HIGH),
    editor.registerCommand(KEY_TAB_COMMAND, (event) => used(keys.tab(), event), COMMAND_PRIORITY_HIGH),
    editor.registerCommand(KEY_ESCAPE_COMMAND, (event) => used(keys.escape(), event), COMMAND_PRIORITY_HIGH),
  );
}

/**
 * Makes the element an editor that starts with `initial`. `onChange` runs after every change of text, in order;
 * `onQuery` whenever the name being typed after an `@` changes. Call `dispose` when the element goes.
 */
export function makePlainEditor(
  element: HTMLElement,
  initial: Composed,
  on: {
    readonly change: (composed: Composed) => void;
    readonly query: (query: string | undefined) => void;
    readonly keys: EditorKeys;
  },
): PlainEditor {
  const editor = createEditor({
    namespace: 'composer',
    nodes: [MentionNode],
    onError: (error) => {
      throw error;
    },
  });
  const write = (composed: Composed) =>
    editor.update(
      () => {
        const paragraph = $createParagraphNode().append(...$nodesOf(composed));
        $getRoot().clear().append(paragraph);
        paragraph.selectEnd();
      },
      { discrete: true },
    );
  editor.setRootElement(element);
  write(initial);
  const unregister = mergeRegister(
    registerPlainText(editor),
    registerHistory(editor, createEmptyHistoryState(), HISTORY_MERGE_MS),
    registerKeys(editor, on.keys),
    editor.registerUpdateListener(({ editorState, dirtyElements, dirtyLeaves }) => {
      editorState.read(() => {
        if (dirtyElements.size > 0 || dirtyLeaves.size > 0) on.change($read());
        on.query($query());
      });
    }),
  );
  return {
    focus: () => editor.focus(),
    read: () => editor.getEditorState().read($read),
    write: (composed) => {
      write(composed);
      editor.dispatchCommand(CLEAR_HISTORY_COMMAND, undefined);
    },
    insertMention: (mention) => editor.update(() => $insertMention(mention), { discrete: true }),
    insertText: (text) => editor.update(() => $getSelection()?.insertRawText(text), { discrete: true }),
    dispose: () => {
      unregister();
      editor.setRootElement(null);
    },
  };
}
