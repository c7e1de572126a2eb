/** One or two letters that stand for a name; `?` for a name without letters. */
export function initials(name: string): string {
  const words = name
    .replace(/^the\s+/i, '')
    .split(/[\s&/]+/)
    .filter((word) => /\p{L}|\p{N}/u.test(word));
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words.slice(0, 1);
  return letters.map((word) => [...(word ?? '')][0]?.toLocaleUpperCase() ?? '').join('') || '?';
}

/** A steady hue for a name that has none of its own. */
export function hueOf(id: string): string {
  let hash = 0;
  for (const char of id) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) | 0;
  return `hsl(${((hash % 360) + 360) % 360} 58% 52%)`;
}
