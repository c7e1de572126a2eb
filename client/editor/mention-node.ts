import { type EditorConfig, type LexicalNode, type SerializedTextNode, type Spread, TextNode } from 'lexical';
import type { Mention } from './composed.ts';

type SerializedMentionNode = Spread<{ mention: Mention }, SerializedTextNode>;

/** An `@name` that is one unit: the caret steps over it and one Backspace takes it away. */
export class MentionNode extends TextNode {
  __mention: Mention;

  constructor(mention: Mention, key?: string) {
    super(`@${mention.name}`, key);
    this.__mention = mention;
  }

  static override getType(): string {
    return 'mention';
  }

  static override clone(node: MentionNode): MentionNode {
    return new MentionNode(node.__mention, node.__key);
  }

  static override importJSON(json: SerializedMentionNode): MentionNode {
    return $createMentionNode(json.mention);
  }

  override exportJSON(): SerializedMentionNode {
    return { ...super.exportJSON(), mention: this.__mention };
  }

  override createDOM(config: EditorConfig): HTMLElement {
    const element = super.createDOM(config);
    element.className = 'mention';
    return element;
  }

  override canInsertTextBefore(): boolean {
    return false;
  }

  override canInsertTextAfter(): boolean {
    return false;
  }

  override isTextEntity(): true {
    return true;
  }
}

export const $createMentionNode = (mention: Mention): MentionNode => new MentionNode(mention).setMode('token');

export const $isMentionNode = (node: LexicalNode | null | undefined): node is MentionNode =>
  node instanceof MentionNode;
