/**
 * Message bodies: Markdown to safe HTML, a block at a time.
 *
 *   text -> marked's lexer -> blocks -> cached HTML per block
 *
 * A streaming text only ever grows, so every block but the last is finished; its HTML comes from the cache and is
 * neither parsed nor sanitised again. An open code fence is a code block from its first line on (CommonMark).
 */
import DOMPurify from 'dompurify';
import { Marked, type Token } from 'marked';

/** Finished blocks kept as HTML, over all messages on the device's screen. */
const MAX_CACHED_BLOCKS = 2_000;

const marked = new Marked({ gfm: true, breaks: true, async: false });
const cache = new Map<string, string>();

const ALLOWED_TAGS = [
  'a',
  'blockquote',
  'br',
  'code',
  'del',
  'em',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'hr',
  'input',
  'li',
  'ol',
  'p',
  'pre',
  'strong',
  'table',
  'tbody',
  'td',
  'th',
  'thead',
  'tr',
  'ul',
];
const ALLOWED_ATTR = ['href', 'title', 'class', 'start', 'align', 'type', 'checked', 'disabled'];

DOMPurify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A') {
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer nofollow');
  }
  if (node.tagName === 'INPUT' && node.getAttribute('type') !== 'checkbox') node.remove();
  if (node.tagName === 'PRE') node.setAttribute('tabindex', '0');
});

/** A block's source and its safe HTML. */
interface Block {
  readonly source: string;
  readonly html: string;
}

function htmlOf(source: string, isFinished: boolean, definitions: string): string {
  const key = `${definitions}\u0000${source}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  // reason: `async: false` above makes parse synchronous
  const raw = marked.parse(definitions === '' ? source : `${definitions}\n\n${source}`) as string;
  const html = DOMPurify.sanitize(raw, { ALLOWED_TAGS, ALLOWED_ATTR, ALLOW_DATA_ATTR: false });
  if (isFinished) {
    if (cache.size >= MAX_CACHED_BLOCKS) cache.delete(cache.keys().next().value ?? '');
    cache.set(key, html);
  }
  return html;
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
  #text = '';
  /** Length of the text that is covered by all blocks but the last. */
  #finishedLength = 0;
  #finished: Block[] = [];
  #definitions = '';

  /** Safe HTML of each block, in order, after the text has become `text`. */
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
      this.#finished.push({ source: token.raw, html: htmlOf(token.raw, true, this.#definitions) });
      this.#finishedLength += token.raw.length;
    }
    const last = tokens.at(-1);
    const html = this.#finished.map((block) => block.html);
    return last === undefined ? html : [...html, htmlOf(last.raw, !isStreaming, this.#definitions)];
  }

  #reset(): void {
    this.#finishedLength = 0;
    this.#finished = [];
    this.#definitions = '';
  }

  /** A link definition may stand below its uses, so what is finished is rendered once more. */
  #redefine(added: string): void {
    this.#definitions = this.#definitions === '' ? added : `${this.#definitions}\n${added}`;
    this.#finished = this.#finished.map(({ source }) => ({ source, html: htmlOf(source, true, this.#definitions) }));
  }
}
