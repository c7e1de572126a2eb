import type { PromptMessage } from './request-body.ts';

const MAX_QUOTE_CHARS = 160;
const MAX_EARLIER_QUOTE_CHARS = 80;

/** What the script knows of the prompt that it was given. */
export type PromptReading = {
  /** Whom the system prompt speaks to; null where it names nobody. */
  readonly seat: string | null;
  readonly question: string;
  /** How many messages came before the question, the system prompt apart. */
  readonly earlierCount: number;
  readonly lastEarlierFromUser: string | null;
  readonly lastEarlierFromAgent: string | null;
};

/** Pure: the same messages give the same reading. */
export function readPrompt(messages: readonly PromptMessage[]): PromptReading {
  const system = messages
    .filter((message) => message.role === 'system')
    .map((message) => message.content)
    .join('\n');
  const turns = messages.filter((message) => message.role !== 'system');
  const asked = turns.findLastIndex((message) => message.role !== 'assistant');
  const earlier = asked < 0 ? turns : turns.slice(0, asked);
  return {
    seat: seatIn(system),
    question: questionIn(turns[asked]?.content ?? ''),
    earlierCount: earlier.length,
    lastEarlierFromUser: quoteLast(earlier, (role) => role !== 'assistant'),
    lastEarlierFromAgent: quoteLast(earlier, (role) => role === 'assistant'),
  };
}

/** `You are Alex CodeMaster, ...`, `Seat: The Oracle`, or a heading `Seat` with the name on the next line. */
function seatIn(system: string): string | null {
  const patterns = [
    /^[#*[\s]*(?:seat|agent|name)\b[\]*\s]*:[*\s]*([^\n]+)/im,
    /^[#*[\s]*seat[\]*:\s]*\n+\s*([^\n]+)/im,
    /\byou are ((?:the )?[^\n]+)/i,
  ];
  for (const pattern of patterns) {
    const found = pattern.exec(system)?.[1]?.replace(/^you are /i, '');
    const name = found
      ?.split(/[,.;:(]| - | – | — | of | at | in | for | who /)[0]
      ?.replace(/[*_`"“”]/g, '')
      .trim();
    if (name) return clip(name, MAX_EARLIER_QUOTE_CHARS);
  }
  return null;
}

/** A line that is labelled as the question, or the whole message. */
function questionIn(content: string): string {
  const labelled = /^[#*\s]*(?:question|topic)\b[*\s]*:[*\s]*(\S[^\n]*)/im.exec(content)?.[1];
  return clip(oneLine(labelled ?? content), MAX_QUOTE_CHARS);
}

function quoteLast(turns: readonly PromptMessage[], isWanted: (role: string) => boolean): string | null {
  const last = turns.findLast((message) => isWanted(message.role));
  return last === undefined ? null : clip(oneLine(last.content), MAX_EARLIER_QUOTE_CHARS);
}

/** Markdown signs at the start of lines would change the look of a quotation. */
function oneLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[`*_#>]/g, '')
    .trim();
}

export function clip(text: string, maxChars: number): string {
  const characters = Array.from(text);
  return characters.length <= maxChars
    ? text
    : `${characters
        .slice(0, maxChars - 1)
        .join('')
        .trimEnd()}…`;
}
