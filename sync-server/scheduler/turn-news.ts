import { turnEvent } from '../../persistence/turns/turn-store.ts';
import type { Clock } from '../clock.ts';
import type { BrainStatus } from '../protocol/brain.ts';
import type { EventDraft } from '../protocol/events.ts';
import { isFinal, type TurnView } from '../protocol/turn.ts';
import type { SchedulerLog } from './scheduler-ports.ts';

/** At most so often, in ms, are changed views told; what changes in between is told once, as it then is. */
export const TELL_MS = 250;
/** Views told at once; the others follow `TELL_MS` later. */
export const MAX_TOLD = 200;

export interface TurnNewsParts {
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
  /** The newest view that was told of each turn that is not final. */
  readonly #told = new Map<string, string>();
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

  /** What others told meanwhile: the projection, of turns that began or ended with an entry. */
  heard(views: readonly TurnView[]): void {
    for (const view of views) {
      if (isFinal(view.state)) this.#told.delete(view.turn);
      else this.#told.set(view.turn, fingerprint(view));
    }
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
    const { publish, clock, log, openViews } = this.#parts;
    this.#toldAt = clock.now();
    try {
      const news = openViews()
        .filter((view) => this.#told.get(view.turn) !== fingerprint(view))
        .slice(0, MAX_TOLD);
      this.heard(news);
      const drafts = [...this.#brainNews(), ...news.map(turnEvent)];
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

/** Equal for views that say the same, in whichever order their fields stand. */
const fingerprint = (view: TurnView): string => JSON.stringify(Object.entries(view).sort());
