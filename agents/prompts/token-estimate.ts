/** Characters of a token in most languages' prose; on the careful side of the usual 4. */
const CHARS_PER_TOKEN = 3.5;
/** What a chat template adds to a message. */
const MESSAGE_TOKENS = 6;

/** From here on (CJK and its neighbours) a character is about a token. */
const DENSE_SCRIPT = /[\u2e80-\uffff]/g;

/** How many tokens a text takes, roughly and rather too many than too few. */
export function estimateTokens(text: string): number {
  const dense = text.match(DENSE_SCRIPT)?.length ?? 0;
  return Math.ceil((text.length - dense) / CHARS_PER_TOKEN) + dense;
}

export const estimateMessageTokens = (text: string): number => estimateTokens(text) + MESSAGE_TOKENS;

/** A text that takes at most `maxTokens`: whole, or its beginning with a note of how much is not there. */
export function clipToTokens(text: string, maxTokens: number): string {
  if (estimateTokens(text) <= maxTokens) return text;
  let fits = 0;
  let tooMuch = text.length;
  while (tooMuch - fits > 1) {
    const middle = (fits + tooMuch) >> 1;
    if (estimateTokens(shortened(text, middle)) <= maxTokens) fits = middle;
    else tooMuch = middle;
  }
  return shortened(text, fits);
}

const shortened = (text: string, chars: number): string =>
  `${text.slice(0, chars).toWellFormed()} [... ${text.length - chars} more characters]`;
