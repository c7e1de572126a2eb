import type { Ending, TurnRecord } from '../../persistence/turns/turn-record.ts';
import { MAX_BODY_CHARS, MAX_ENTRY_BYTES, type ReplyEntry } from '../protocol/entry.ts';
import type { LiveRow } from '../protocol/segment.ts';

/**
 * The entry by which the office ends a turn: stopped or failed, with the best text so far, in the agent's name.
 * @param row the live row as it stands; null where none was begun
 * @param isRehearsing whether text that an earlier attempt left was the rehearsal model's
 */
export function makeTerminalReply(
  turn: TurnRecord,
  ending: Ending,
  row: LiveRow | null,
  at: number,
  isRehearsing: boolean,
): ReplyEntry {
  const isRowBest = row !== null && row.text.length >= turn.partial.length;
  const body = (isRowBest ? row.text : turn.partial).slice(0, MAX_BODY_CHARS);
  const model = row?.model ?? turn.model;
  const isRehearsed = isRowBest ? row.isRehearsed : body !== '' && isRehearsing;
  const reply: ReplyEntry = {
    id: turn.turn,
    author: turn.agent,
    at,
    kind: 'reply',
    cause: turn.cause,
    step: turn.step,
    // A turn that was never leased is ended in the attempt that would have come.
    attempt: Math.max(1, turn.attempt),
    outcome: ending.outcome,
    body,
    ...(ending.by === undefined ? {} : { by: ending.by }),
    ...(ending.error === undefined ? {} : { error: ending.error }),
    ...(model === null || model === '' ? {} : { model }),
    ...(isRehearsed ? { isRehearsed } : {}),
  };
  const thinking = row?.thinking.slice(0, MAX_BODY_CHARS) ?? '';
  return fitted(thinking === '' ? reply : { ...reply, thinking });
}

/** Keeps an entry within its size: the thinking goes first, then the end of the text. */
function fitted(reply: ReplyEntry): ReplyEntry {
  if (Buffer.byteLength(JSON.stringify(reply)) <= MAX_ENTRY_BYTES) return reply;
  const { thinking, ...rest } = reply;
  if (thinking !== undefined) return fitted(rest);
  return fitted({ ...rest, body: rest.body.slice(0, Math.floor(rest.body.length / 2)), isCut: true });
}
