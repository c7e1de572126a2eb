/** The longest prefix of a text that fits a number of UTF-16 units and doesn't end inside a character. */
export function clip(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const last = text.charCodeAt(maxChars - 1);
  const endsInside = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, Math.max(0, endsInside ? maxChars - 1 : maxChars));
}

const encoder = new TextEncoder();

/** Bytes of a value as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => encoder.encode(JSON.stringify(value)).length;

/** The longest prefix whose JSON string takes at most `maxBytes`, quotes included; '' where there is no room. */
export function clipToJsonBytes(text: string, maxBytes: number): string {
  if (jsonBytes(text) <= maxBytes) return text;
  let fits = 0;
  let tooMuch = text.length;
  while (tooMuch - fits > 1) {
    const middle = (fits + tooMuch) >> 1;
    if (jsonBytes(clip(text, middle)) <= maxBytes) fits = middle;
    else tooMuch = middle;
  }
  return clip(text, fits);
}
