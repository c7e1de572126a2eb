/** Marks every `@name` in an element's text, outside code and links. */
export function highlightMentions(element: HTMLElement, names: readonly string[]): void {
  if (names.length === 0) return;
  const longestFirst = [...names].sort((a, b) => b.length - a.length);
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node instanceof Text && !node.parentElement?.closest('code, a, .mention')) texts.push(node);
  }
  for (const text of texts) markIn(text, longestFirst);
}

function markIn(text: Text, names: readonly string[]): void {
  let rest = text;
  for (;;) {
    const found = firstMention(rest.data, names);
    if (found === undefined) return;
    const mention = rest.splitText(found.at);
    rest = mention.splitText(found.length);
    const mark = document.createElement('span');
    mark.className = 'mention';
    mention.replaceWith(mark);
    mark.append(mention);
  }
}

function firstMention(
  text: string,
  names: readonly string[],
): { readonly at: number; readonly length: number } | undefined {
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const name = names.find((each) => text.startsWith(each, at + 1));
    if (name !== undefined) return { at, length: name.length + 1 };
  }
  return undefined;
}
