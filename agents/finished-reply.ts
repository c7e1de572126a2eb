import { MAX_BODY_CHARS, MAX_ENTRY_BYTES, type Measures, type ReplyEntry } from '../sync-server/protocol/entry.ts';
import { isEntryId } from '../sync-server/protocol/ids.ts';
import type { Lease } from '../sync-server/protocol/worker-link.ts';
import { clip, clipToJsonBytes, jsonBytes } from './clip.ts';
import type { Prompt } from './prompts/prompt-for.ts';

/** Where an answer came from. */
export interface Speaker {
  readonly model: string;
  readonly isRehearsed: boolean;
  /** The model's window, in tokens. */
  readonly contextTokens: number;
}

export interface FinishedText {
  readonly body: string;
  readonly thinking: string;
  readonly isCut: boolean;
  /** Null where the model was stopped before it said them. */
  readonly measures: Measures | null;
}

/** Of an entry's bytes, what its keys, ids and figures take at most beside its texts and `saw`. */
const FRAME_BYTES = 4 * 1024;

/**
 * The entry that ends a turn well. It always fits: a body that is too long is cut and says so, the thinking takes what
 * room is left. Throws where the lease's ids are none.
 */
export function finishedReply(
  lease: Lease,
  at: number,
  prompt: Prompt,
  speaker: Speaker,
  text: FinishedText,
): ReplyEntry {
  const { turn, cause } = lease;
  if (!isEntryId(turn) || !isEntryId(cause)) throw new RangeError(`no ids of a turn: ${turn}, ${cause}`);
  const saw = {
    entries: prompt.entries.filter(isEntryId),
    leftOut: prompt.leftOut,
    contextTokens: speaker.contextTokens,
  };
  const room = MAX_ENTRY_BYTES - FRAME_BYTES - jsonBytes(saw);
  const whole = text.body.toWellFormed();
  const body = clipToJsonBytes(clip(whole, MAX_BODY_CHARS), room);
  const thinking = clipToJsonBytes(clip(text.thinking.toWellFormed(), MAX_BODY_CHARS), room - jsonBytes(body));
  const isCut = text.isCut || body.length < whole.length;
  return {
    id: turn,
    kind: 'reply',
    author: lease.agent,
    at,
    cause,
    step: lease.step,
    attempt: lease.attempt,
    outcome: 'done',
    body,
    model: speaker.model,
    saw,
    ...(thinking === '' ? {} : { thinking }),
    ...(isCut ? { isCut } : {}),
    ...(speaker.isRehearsed ? { isRehearsed: true } : {}),
    ...(text.measures ? { measures: text.measures } : {}),
  };
}
