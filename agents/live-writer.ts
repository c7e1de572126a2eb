import type * as Y from 'yjs';
import { MAX_BODY_CHARS } from '../sync-server/protocol/entry.ts';
import { createLiveRow, type LiveRowFields } from '../sync-server/protocol/segment.ts';
import { clip } from './clip.ts';

/** Words that come within this time travel together. */
const BATCH_MS = 50;

type Texts = { readonly text: Y.Text; readonly thinking: Y.Text };

/**
 * Writes a stream into a turn's live row: the row appears with the first words, later ones follow in batches, every one
 * appended once. Text and thinking are each bounded by `MAX_BODY_CHARS`.
 */
export class LiveWriter {
  readonly #doc: Y.Doc;
  readonly #fields: () => LiveRowFields;
  #texts: Texts | null = null;
  #timer: NodeJS.Timeout | undefined;
  #text = '';
  #thinking = '';
  #isThinkingFull = false;
  #writtenText = 0;
  #writtenThinking = 0;

  /** `fields` is asked once, when the row is made. */
  constructor(doc: Y.Doc, fields: () => LiveRowFields) {
    this.#doc = doc;
    this.#fields = fields;
  }

  get text(): string {
    return this.#text;
  }

  get thinking(): string {
    return this.#thinking;
  }

  get hasRow(): boolean {
    return this.#texts !== null;
  }

  /** Takes more of the answer. False: it did not fit any more, what fitted is there. */
  addText(piece: string): boolean {
    const whole = this.#text + piece;
    this.#text = clip(whole, MAX_BODY_CHARS);
    this.#schedule();
    return this.#text.length === whole.length;
  }

  /** Takes more of the thinking; what goes beyond the bound is left out. */
  addThinking(piece: string): void {
    if (this.#isThinkingFull) return;
    const whole = this.#thinking + piece;
    this.#thinking = clip(whole, MAX_BODY_CHARS);
    this.#isThinkingFull = this.#thinking.length < whole.length;
    this.#schedule();
  }

  /** Writes nothing more by itself. Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The first words after a pause go at once; what follows within the batch time goes together. */
  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#write();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const isBehind = this.#writtenText < this.#text.length || this.#writtenThinking < this.#thinking.length;
      if (isBehind) this.#schedule();
    }, BATCH_MS);
  }

  #write(): void {
    this.#doc.transact(() => {
      this.#texts ??= createLiveRow(this.#doc, this.#fields());
      this.#writtenThinking = append(this.#texts.thinking, this.#thinking, this.#writtenThinking);
      this.#writtenText = append(this.#texts.text, this.#text, this.#writtenText);
    });
  }
}

/** Appends what lies beyond `from`; answers how far the text is written now. */
function append(target: Y.Text, whole: string, from: number): number {
  if (whole.length > from) target.insert(from, whole.slice(from));
  return whole.length;
}
