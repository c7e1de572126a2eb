import {
  createBinding,
  createUndoManager,
  type Provider,
  syncLexicalUpdateToYjs,
  syncYjsChangesToLexical,
} from '@lexical/yjs';
import { $getRoot, createEditor, type LexicalEditor } from 'lexical';
import { onTestFinished } from 'vitest';
import type * as Y from 'yjs';
import type { OfficeCaller } from './office-caller.ts';
import { connect, type OfficePeer } from './office-peer.ts';

/** A Lexical editor without a screen on a brief, bound by Lexical's own Yjs binding to a stock provider. */
export class LexicalPeer {
  readonly peer: OfficePeer;
  readonly editor: LexicalEditor;
  readonly #undo: Y.UndoManager;

  constructor(caller: OfficeCaller, document: string) {
    this.peer = connect(caller, document);
    const { doc, provider } = this.peer;
    this.editor = createEditor({
      onError: (error) => {
        throw error;
      },
    });
    // As @lexical/headless does: updates are committed although no element shows them.
    this.editor._headless = true;
    // reason: the provider has all that the binding asks of one; only the kinds of its events are told more narrowly
    const asProvider = provider as unknown as Provider;
    const binding = createBinding(this.editor, asProvider, document, doc, new Map([[document, doc]]));
    const root = binding.root.getSharedType();
    const hear = (events: Y.YEvent<Y.Text>[], transaction: Y.Transaction): void => {
      if (transaction.origin === binding) return;
      // Cursors are drawn on a screen.
      syncYjsChangesToLexical(binding, asProvider, events, transaction.origin === this.#undo, () => undefined);
    };
    this.#undo = createUndoManager(binding, root);
    // reason: the root's events are those of texts, and Yjs types what it observes deeply as anything
    root.observeDeep((events, transaction) => hear(events as Y.YEvent<Y.Text>[], transaction));
    const stop = this.editor.registerUpdateListener((update) => {
      if (update.tags.has('skip-collab')) return;
      syncLexicalUpdateToYjs(
        binding,
        asProvider,
        update.prevEditorState,
        update.editorState,
        update.dirtyElements,
        update.dirtyLeaves,
        update.normalizedNodes,
        update.tags,
      );
    });
    onTestFinished(stop);
  }

  /** Edits as a person at this editor would, at once. */
  edit(change: () => void): void {
    this.editor.update(change, { discrete: true });
    // What was typed before and after is undone apart.
    this.#undo.stopCapturing();
  }

  undo(): void {
    this.#undo.undo();
  }

  /** What the editor shows: its tree with texts and formats. */
  get shown(): string {
    return JSON.stringify(this.editor.getEditorState().toJSON().root.children);
  }

  get text(): string {
    return this.editor.getEditorState().read(() => $getRoot().getTextContent());
  }
}
