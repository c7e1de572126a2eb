import type { Ending, TurnRecord } from '../../persistence/turns/turn-record.ts';
import { isFinal } from '../protocol/turn.ts';

/** Seats that must have answered, at least, before a chair synthesises, however small the council. */
const MIN_QUORUM = 2;

/** Whether a turn's stage may begin, must wait for earlier ones, or has lost its purpose and ends. */
export type Gate = 'open' | 'waiting' | Ending;

/** Seats that make a quorum: more than half, at least two. */
export const quorumOf = (seats: number): number => Math.max(MIN_QUORUM, Math.floor(seats / 2) + 1);

/**
 * Decides for one turn that is not final.
 * @param group all turns of its cause
 */
export function stageGate(turn: TurnRecord, group: readonly TurnRecord[]): Gate {
  const ended = purposeLost(turn, group);
  if (ended) return ended;
  const earlier = group.filter(({ stage }) => stage < turn.stage);
  if (!earlier.every(({ state }) => isFinal(state))) return 'waiting';
  if (turn.step === 'synthesis') return quorumGate(earlier);
  if (turn.step === 'dissent') return dissentGate(earlier);
  return 'open';
}

/** A note is for the answer that follows it: where that is over (stopped, most likely), nobody waits for the note. */
function purposeLost(turn: TurnRecord, group: readonly TurnRecord[]): Ending | null {
  if (turn.step !== 'note') return null;
  const answer = group.find(({ step, stage }) => step === 'answer' && stage > turn.stage);
  return answer && isFinal(answer.state) ? stoppedWith(answer) : null;
}

function quorumGate(earlier: readonly TurnRecord[]): Gate {
  const seats = earlier.filter(({ step }) => step === 'position');
  // Asked for once more, a synthesis stands alone in its group: its material is that of the first time.
  if (seats.length === 0) return 'open';
  const answered = seats.filter(({ state }) => state === 'done').length;
  if (answered >= quorumOf(seats.length)) return 'open';
  const message = `Seat answers (no council): ${answered} of ${seats.length} seats answered, ${quorumOf(seats.length)} are needed.`;
  return { outcome: 'failed', error: { code: 'no_quorum', message } };
}

function dissentGate(earlier: readonly TurnRecord[]): Gate {
  const synthesis = earlier.find(({ step }) => step === 'synthesis');
  if (!synthesis || synthesis.state === 'done') return 'open';
  if (synthesis.state === 'stopped') return stoppedWith(synthesis);
  const message = 'There is no synthesis to dissent from.';
  return { outcome: 'failed', error: { code: 'no_synthesis', message } };
}

const stoppedWith = (other: TurnRecord): Ending =>
  other.endedBy === null ? { outcome: 'stopped' } : { outcome: 'stopped', by: other.endedBy };
