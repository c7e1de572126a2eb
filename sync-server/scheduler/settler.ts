import type { TurnRecord } from '../../persistence/turns/turn-record.ts';
import type { TurnStore } from '../../persistence/turns/turn-store.ts';
import type { Clock } from '../clock.ts';
import type { EventDraft } from '../protocol/events.ts';
import { rowIdOf } from '../protocol/segment.ts';
import { isFinal } from '../protocol/turn.ts';
import type { SchedulerLog, SchedulerRooms, SchedulerSessions } from './scheduler-ports.ts';
import { makeTerminalReply } from './terminal-reply.ts';

/** How long to wait after a room refused, in ms. */
const RETRY_MS = 2_000;

export interface SettlerParts {
  readonly turns: TurnStore;
  readonly sessions: SchedulerSessions;
  readonly rooms: SchedulerRooms;
  readonly publish: (drafts: readonly EventDraft[]) => void;
  readonly clock: Clock;
  readonly log: SchedulerLog;
  readonly isRehearsing: () => boolean;
  /** Told after each step that succeeded. */
  readonly onSettled: () => void;
}

/**
 * Brings what was decided about a turn into its document: the terminal entry, or an abandoned row's removal. One step
 * of a turn at a time; a step that a room refuses is tried again until it succeeds.
 */
export class Settler {
  readonly #parts: SettlerParts;
  readonly #underWay = new Map<string, Promise<void>>();
  /** Turns whose last step was refused, with the way to call the next try off. */
  readonly #retries = new Map<string, () => void>();
  #isStopped = false;

  constructor(parts: SettlerParts) {
    this.#parts = parts;
  }

  /** Starts what is to be done for a turn, if that isn't under way. Never throws. */
  settle(turn: TurnRecord): void {
    const isEnding = turn.ending !== null && !isFinal(turn.state);
    if (!isEnding && turn.leftRowIn === null) return;
    if (this.#underWay.has(turn.turn) || this.#retries.has(turn.turn)) return;
    this.#underWay.set(turn.turn, this.#step(turn, isEnding));
  }

  /** Resolves when nothing is under way for the turn; never rejects. */
  async settled(turn: string): Promise<void> {
    await this.#underWay.get(turn);
  }

  /** Resolves when nothing is under way; what is to be tried again later doesn't count. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
  }

  /** Nothing is tried again from here on. */
  stop(): void {
    this.#isStopped = true;
    for (const callOff of this.#retries.values()) callOff();
    this.#retries.clear();
  }

  async #step(turn: TurnRecord, isEnding: boolean): Promise<void> {
    let isSettled = false;
    try {
      isSettled = isEnding ? await this.#finish(turn) : await this.#dropRow(turn);
    } catch (error) {
      this.#parts.log(`Turn ${turn.turn} could not be settled yet`, error);
    }
    this.#underWay.delete(turn.turn);
    if (!isSettled && !this.#isStopped) this.#retryLater(turn.turn);
    this.#parts.onSettled();
  }

  async #finish(turn: TurnRecord): Promise<boolean> {
    const { turns, sessions, rooms, publish, isRehearsing } = this.#parts;
    const { ending } = turn;
    if (!ending) return false;
    const document = turn.leftRowIn ?? turn.lease?.document ?? null;
    await rooms.finish(
      { sessionId: turn.sessionId, document },
      rowIdOf(turn.turn, Math.max(1, turn.attempt)),
      (row, at) => makeTerminalReply(turn, ending, row, at, isRehearsing()),
    );
    const after = turns.get(turn.turn);
    if (!after || isFinal(after.state)) return true;
    // The entry was there before: either it is on its way here, or it was projected before the turn was known.
    const reply = sessions.entry(turn.sessionId, turn.turn);
    if (reply?.kind !== 'reply') return false;
    const drafts = turns.applyReply(reply);
    publish(drafts);
    return drafts.length > 0;
  }

  async #dropRow(turn: TurnRecord): Promise<boolean> {
    if (turn.leftRowIn === null) return true;
    const text = await this.#parts.rooms.dropRow(turn.leftRowIn, rowIdOf(turn.turn, turn.attempt));
    this.#parts.turns.rowDropped(turn.turn, text);
    return true;
  }

  #retryLater(turn: string): void {
    const callOff = this.#parts.clock.setTimer(() => {
      this.#retries.delete(turn);
      this.#parts.onSettled();
    }, RETRY_MS);
    this.#retries.set(turn, callOff);
  }
}
