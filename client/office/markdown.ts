/**
 * Markdown a block at a time.
 *
 *   text -> marked's lexer -> blocks -> HTML per block
 *
 * A streaming text only ever grows, so every block but the last is finished, and is never parsed again.
 * An open code fence is a code block from its first line on (CommonMark).
 */
import { Marked, type Token } from 'marked';

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[char] ?? '&quot;');

const marked = new Marked({
  gfm: true,
  breaks: true,
  async: false,
  renderer: {
    // What somebody typed is text, whatever it looks like: shown, not run and not swallowed.
    html: ({ text }) => escaped(text),
    // An image from elsewhere would tell its host who reads here; as a link it is the reader's choice.
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text === '' ? href : text)}</a>`,
  },
});

/** HTML of one block, not yet safe to show. `definitions` are the text's link definitions. */
export function parseBlock(source: string, definitions: string): string {
  // reason: `async: false` above makes parse synchronous
  return marked.parse(definitions === '' ? source : `${definitions}\n\n${source}`) as string;
}

/** HTML of one block, safe to show. `isFinished`: the block will not grow any more. */
export type RenderBlock = (source: string, isFinished: boolean, definitions: string) => string;

/** A block's source and its HTML. */
interface Block {
  readonly source: string;
  readonly html: string;
}

/** The block tokens of a text; blank lines belong to the block before them, so the sources join to the whole text. */
function lex(text: string): Token[] {
  const tokens: Token[] = [];
  for (const token of marked.lexer(text)) {
    const last = tokens.at(-1);
    if (token.type === 'space' && last !== undefined) last.raw += token.raw;
    else tokens.push(token);
  }
  return tokens;
}

/** The rendering of one text that may grow. Only its last block is ever parsed again; any other change starts anew. */
export class GrowingMarkdown {
  readonly #render: RenderBlock;
  #text = '';
  /** Length of the text that is covered by all blocks but the last. */
  #finishedLength = 0;
  #finished: Block[] = [];
  #definitions = '';

  constructor(render: RenderBlock) {
    this.#render = render;
  }

  /** HTML of each block, in order, after the text has become `text`. */
  update(text: string, isStreaming: boolean): readonly string[] {
    if (!text.startsWith(this.#text)) this.#reset();
    this.#text = text;
    const tokens = lex(text.slice(this.#finishedLength));
    const definitions = tokens
      .slice(0, -1)
      .filter((token) => token.type === 'def')
      .map((token) => token.raw);
    if (definitions.length > 0) this.#redefine(definitions.join('\n'));
    for (const token of tokens.slice(0, -1)) {
      this.#finished.push({ source: token.raw, html: this.#render(token.raw, true, this.#definitions) });
      this.#finishedLength += token.raw.length;
    }
    const last = tokens.at(-1);
    const html = this.#finished.map((block) => block.html);
    return last === undefined ? html : [...html, this.#render(last.raw, !isStreaming, this.#definitions)];
  }

  #reset(): void {
    this.#finishedLength = 0;
    this.#finished = [];
    this.#definitions = '';
  }

  /** A link definition may stand below its uses, so what is finished is rendered once more. */
  #redefine(added: string): void {
    this.#definitions = this.#definitions === '' ? added : `${this.#definitions}\n${added}`;
    this.#finished = this.#finished.map(({ source }) => ({
      source,
      html: this.#render(source, true, this.#definitions),
    }));
  }
}
