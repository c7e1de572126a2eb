/**
 * Text as the full-text index wants it. Its tokenizer splits at what is neither letter, digit, mark nor symbol, which
 * suits scripts that put spaces between words. Scripts that don't, and emoji, are split into single characters by an
 * invisible separator, in the index and in queries alike; a phrase of such characters then finds them anywhere.
 */

/** Zero-width space: no token contains it, and nobody sees it. */
const SEPARATOR = '\u200b';
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Extended_Pictographic}]/gu;
/** Control characters, which the index's marks and SQLite's strings must not meet, and variation selectors. */
const UNWANTED = /\p{Cc}|\ufe0e|\ufe0f/gu;
const HAS_TOKEN = /[\p{L}\p{N}\p{M}\p{Co}\p{So}]/u;
/** Terms of one query; what follows them is not looked for. */
const MAX_TERMS = 16;

/** Marks the beginning and the end of a place found. */
export const HIT_START = '\u0002';
export const HIT_END = '\u0003';

/** What the index holds for a message's text. */
export function searchableText(text: string): string {
  return text.normalize('NFC').replace(UNWANTED, ' ').replace(UNSPACED, `${SEPARATOR}$&${SEPARATOR}`);
}

/**
 * The index's query for what a person typed: every term must be there, as the beginning of a word. Nothing that was
 * typed acts as syntax. Null where it holds nothing to look for.
 */
export function matchExpression(typed: string): string | null {
  const terms = searchableText(typed)
    .split(/\s+/u)
    .filter((term) => HAS_TOKEN.test(term))
    .slice(0, MAX_TERMS);
  return terms.length === 0 ? null : terms.map((term) => `"${term.replaceAll('"', '""')}"*`).join(' ');
}

/** A snippet of the index as people read it: the invisible separators go, the marks stay. */
export const readableSnippet = (snippet: string): string => snippet.replaceAll(SEPARATOR, '');

/** What titles are compared by: case and compatibility forms don't count. */
export const titleKey = (title: string): string => title.normalize('NFKC').toLowerCase();
