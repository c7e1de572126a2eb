import type { TurnStore } from '../../persistence/turns/turn-store.ts';
import type { Clock } from '../clock.ts';
import type { BrainStatus } from '../protocol/brain.ts';
import type { EventDraft } from '../protocol/events.ts';
import type { TurnView } from '../protocol/turn.ts';
import type { SchedulerLog } from './scheduler-ports.ts';

/** At most so often, in ms, are changed views told; what changes in between is told once, as it then is. */
export const TELL_MS = 250;
/** Views told at once; the others follow `TELL_MS` later. */
export const MAX_TOLD = 200;

export interface TurnNewsParts {
  readonly turns: TurnStore;
  readonly publish: (drafts: readonly EventDraft[]) => void;
  readonly clock: Clock;
  readonly log: SchedulerLog;
  /** Of every turn that is not final. */
  readonly openViews: () => readonly TurnView[];
  readonly brain: () => BrainStatus;
}

/** Tells everyone what changed about turns and about the brain, at a bounded rate. */
export class TurnNews {
  readonly #parts: TurnNewsParts;
  #toldAt = 0;
  #toldBrain = '';
  #callOff: (() => void) | null = null;

  constructor(parts: TurnNewsParts) {
    this.#parts = parts;
  }

  /** Something may have changed: tells it now, or when it is time again. Never throws. */
  tellSoon(): void {
    if (this.#callOff) return;
    const waitMs = this.#toldAt + TELL_MS - this.#parts.clock.now();
    // A wait beyond `TELL_MS` means that the clock was set back.
    if (waitMs <= 0 || waitMs > TELL_MS) this.#tell();
    else this.#tellIn(waitMs);
  }

  stop(): void {
    this.#callOff?.();
  }

  #tellIn(waitMs: number): void {
    this.#callOff = this.#parts.clock.setTimer(() => {
      this.#callOff = null;
      this.#tell();
    }, waitMs);
  }

  #tell(): void {
    const { turns, publish, clock, log, openViews } = this.#parts;
    this.#toldAt = clock.now();
    try {
      const news = turns.news(openViews(), MAX_TOLD);
      const drafts = [...this.#brainNews(), ...news];
      if (drafts.length > 0) publish(drafts);
      if (news.length === MAX_TOLD) this.#tellIn(TELL_MS);
    } catch (error) {
      log('What changed about the turns could not be told', error);
    }
  }

  #brainNews(): readonly EventDraft[] {
    const status = this.#parts.brain();
    const json = JSON.stringify(status);
    if (json === this.#toldBrain) return [];
    this.#toldBrain = json;
    const payload = { ...status, model: status.active_model };
    return [{ type: 'brain.status', entityType: 'brain', entityId: 'brain', sessionId: null, payload }];
  }
}
