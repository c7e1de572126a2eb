/** Whom or what an `@name` in a text stands for. `kind` and `id` are opaque to the editor. */
export interface Mention {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
}

/** What a person composed: Markdown source, and the mentions whose `@name` it contains. */
export interface Composed {
  readonly text: string;
  readonly mentions: readonly Mention[];
}

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'mention'; readonly mention: Mention };

export const isBlank = (composed: Composed): boolean => composed.text.trim() === '';

/** Splits a text at its mentions; where two names begin alike the longer one wins. Pieces join to the whole text. */
export function piecesOf({ text, mentions }: Composed): readonly Piece[] {
  const byLength = [...mentions].sort((a, b) => b.name.length - a.name.length);
  const pieces: Piece[] = [];
  let plainFrom = 0;
  let at = text.indexOf('@');
  while (at !== -1) {
    const mention = byLength.find(({ name }) => text.startsWith(name, at + 1));
    if (mention === undefined) {
      at = text.indexOf('@', at + 1);
      continue;
    }
    if (at > plainFrom) pieces.push({ kind: 'text', text: text.slice(plainFrom, at) });
    pieces.push({ kind: 'mention', mention });
    plainFrom = at + 1 + mention.name.length;
    at = text.indexOf('@', plainFrom);
  }
  if (plainFrom < text.length) pieces.push({ kind: 'text', text: text.slice(plainFrom) });
  return pieces;
}

/** What stands between an `@` and the caret, or undefined where no mention is being typed. */
export function mentionQuery(textBeforeCaret: string): string | undefined {
  return /(?:^|[\s(])@([\p{L}\p{N}_.&'-]{0,32}(?: [\p{L}\p{N}_.&'-]{0,32}){0,2})$/u.exec(textBeforeCaret)?.[1];
}
