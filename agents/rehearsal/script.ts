import { type PromptReading, readPrompt } from './prompt-reading.ts';
import type { PromptMessage } from './request-body.ts';

/** Begins every answer: whoever reads it shall not take it for thought. */
export const REHEARSAL_LABEL = 'Rehearsal:';

const OPENINGS = [
  'these are scripted lines, no model is thinking here.',
  'this text is scripted; a real model would answer in its place.',
  'I read from a script, so please judge the stage and not the words.',
] as const;

type Steps = readonly [string, string, string];
const STEPS: readonly [Steps, ...Steps[]] = [
  [
    'Say what a good result would look like',
    'Collect what is known and what is missing',
    'Choose the smallest step that teaches something',
  ],
  ['Name who decides', 'Write down two real alternatives', 'Agree on what would change our mind'],
  ['Look at what it costs to wait', 'Try it small and reversibly', 'Measure, then decide again'],
];

const CLOSINGS = [
  'Once Ollama and a model are installed, the same question gets a real answer.',
  'With a real model in my place, this is where its advice would stand.',
  'Everything around these lines is real: the order, the record, the Stop button.',
] as const;

/** The answer to a prompt, as Markdown. Pure: the same prompt gives the same words. */
export function scriptedAnswer(messages: readonly PromptMessage[]): string {
  const reading = readPrompt(messages);
  const seed = hashText(`${reading.seat}\n${reading.question}\n${reading.earlierCount}`);
  const paragraphs = [
    `${REHEARSAL_LABEL} ${pick(OPENINGS, seed)} ${whoAndWhat(reading)}`,
    memory(reading),
    ...advice(reading, seed),
  ];
  return paragraphs.filter((paragraph) => paragraph !== '').join('\n\n');
}

/** The pieces in which it is streamed: a word and the space after it. Joined again they are the text. */
export function wordChunks(text: string): string[] {
  return text.match(/\s*\S+\s*?(?=\S|$)|\s+$/g) ?? [];
}

/** FNV-1a, 32 bits: chooses among fixed sentences, nothing else. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}

function whoAndWhat({ seat, question }: PromptReading): string {
  const who = seat === null ? 'I' : `As ${seat} I`;
  return question === '' ? `${who} was asked nothing yet.` : `${who} was asked: “${question}”`;
}

function memory(reading: PromptReading): string {
  if (reading.earlierCount === 0) return '';
  const count = reading.earlierCount === 1 ? 'one earlier message' : `${reading.earlierCount} earlier messages`;
  const parts = [`I was also given ${count} of this conversation.`];
  if (reading.lastEarlierFromUser) parts.push(`Before this, somebody wrote “${reading.lastEarlierFromUser}”.`);
  if (reading.lastEarlierFromAgent) parts.push(`The answer then was “${reading.lastEarlierFromAgent}”.`);
  return parts.join(' ');
}

function advice({ question }: PromptReading, seed: number): string[] {
  const closing = pick(CLOSINGS, seed >>> 4);
  const steps = pick(STEPS, seed >>> 8);
  const isList = question.length > 40 || seed % 2 === 0;
  if (!isList) return [`First: ${lowerFirst(steps[0])}. Then: ${lowerFirst(steps[2])}. ${closing}`];
  return [`What a script can say to any question:\n\n${steps.map((step) => `- ${step}.`).join('\n')}`, closing];
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

function pick<T>(choices: readonly [T, ...T[]], seed: number): T {
  return choices[seed % choices.length] ?? choices[0];
}
