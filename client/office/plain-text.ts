/** Patterns of Markdown's marks and what is left of them, in the order in which they are taken out. */
const MARKS: readonly (readonly [RegExp, string])[] = [
  [/^\s*(```|~~~).*$/gm, ''],
  [/^\s*\|?[\s:|-]*-{3,}[\s:|-]*$/gm, ''],
  [/^\s{0,3}(#{1,6}|>|[-*+]|\d+[.)])\s+/gm, ''],
  [/!?\[([^\]]*)\]\([^)]*\)/g, '$1'],
  [/(\*\*|__|~~|`)/g, ''],
  [/(^|[\s(])[*_](\S[^*_]*)[*_](?=$|[\s).,:;!?])/g, '$1$2'],
  [/\s*\|\s*/g, ' '],
  [/\s+/g, ' '],
];

/** A Markdown text as one line of plain words, for a preview: its marks are taken out by their looks, not parsed. */
export function plainText(markdown: string): string {
  return MARKS.reduce((text, [mark, rest]) => text.replace(mark, rest), markdown).trim();
}
