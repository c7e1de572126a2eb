import type { Ending, TurnRecord } from '../../persistence/turns/turn-record.ts';
import { isFinal } from '../protocol/turn.ts';
import { fairOrder, type Served } from './fair-order.ts';
import { stageGate } from './stage-gate.ts';

export interface QueuePlan {
  /** Every queued turn that is to be worked on, in the order in which they get slots; its index is the place. */
  readonly order: readonly TurnRecord[];
  /** Those of `order` that could start now. */
  readonly ready: readonly TurnRecord[];
  /** When the first of those that wait for a moment could start, in ms; null where none does. */
  readonly nextAt: number | null;
}

export interface PlanInput {
  /** All turns of every group that has one which is not final. */
  readonly turns: readonly TurnRecord[];
  /** Turns that are being given a slot at this moment. */
  readonly isTaken: (turn: string) => boolean;
  readonly served: Served;
  readonly nowMs: number;
}

/** Turns whose stage, or whose council's quorum, says that they end here. */
export function endingsByStage(turns: readonly TurnRecord[]): readonly { turn: TurnRecord; ending: Ending }[] {
  const groups = Map.groupBy(turns, ({ group }) => group);
  return turns.flatMap((turn) => {
    if (isFinal(turn.state) || turn.ending) return [];
    const gate = stageGate(turn, groups.get(turn.group) ?? []);
    return gate === 'open' || gate === 'waiting' ? [] : [{ turn, ending: gate }];
  });
}

/** What gets a slot next, and what everybody's place in the queue is. */
export function planQueue({ turns, isTaken, served, nowMs }: PlanInput): QueuePlan {
  const groups = Map.groupBy(turns, ({ group }) => group);
  const isRunning = (turn: TurnRecord) => turn.lease !== null || isTaken(turn.turn);
  const running = turns.filter((turn) => !isFinal(turn.state) && isRunning(turn));
  const queued = turns.filter((turn) => turn.state === 'queued' && !turn.ending && !isRunning(turn));
  const order = fairOrder(queued, running, served);
  const open = order.filter(
    (turn) => turn.leftRowIn === null && stageGate(turn, groups.get(turn.group) ?? []) === 'open',
  );
  const later = open.filter(({ retryAt }) => retryAt > nowMs).map(({ retryAt }) => retryAt);
  return {
    order,
    ready: open.filter(({ retryAt }) => retryAt <= nowMs),
    nextAt: later.length > 0 ? Math.min(...later) : null,
  };
}
