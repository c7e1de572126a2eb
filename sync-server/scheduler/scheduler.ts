/**
 * The scheduler: decides which turn is worked on next, by whom and until when, and ends what nobody finishes.
 *
 *     projection -> onProjected ┐
 *     worker     -> receive     ├-> change the turns -> #evaluate: end, settle, lease, tell
 *     person     -> stopTurn    │
 *     clock      -> sweep, wake ┘
 *
 * What holds after each `#evaluate`:
 *  1. A turn that is not final has a live lease, a place in the queue, or an ending that is being written.
 *  2. A lease is in SQLite, in the registry and with at most one worker; a lease that ends is dead in the registry first.
 *  3. A turn ends by its reply entry only, and that entry's id allows one.
 */

import { type TurnRecord, viewOf } from '../../persistence/turns/turn-record.ts';
import type { LeaseRef, TurnStore } from '../../persistence/turns/turn-store.ts';
import type { Clock } from '../clock.ts';
import type { LeaseGrant, LeaseRegistry } from '../leases.ts';
import type { BrainStatus } from '../protocol/brain.ts';
import type { EventDraft } from '../protocol/events.ts';
import { rowIdOf } from '../protocol/segment.ts';
import { isFinal, LEASE_MS, type TurnView } from '../protocol/turn.ts';
import { unreachable } from '../protocol/unreachable.ts';
import type { WorkerMessage } from '../protocol/worker-link.ts';
import { buildLease, MAX_CONTEXT_ENTRIES } from './build-lease.ts';
import { roomKey } from './fair-order.ts';
import { endingsByStage, planQueue, type QueuePlan } from './queue-plan.ts';
import type { AttachedWorker, SchedulerLog, SchedulerRooms, SchedulerSessions, WorkerLink } from './scheduler-ports.ts';
import { Settler } from './settler.ts';
import { TurnNews } from './turn-news.ts';
import { type ConnectedWorker, Workers } from './workers.ts';

/** How often leases are looked through, in ms. */
export const SWEEP_MS = 2_500;
/** How long nothing is leased after a worker gave a turn back, unless the brain gets well before. Ms. */
export const RELEASED_HOLD_MS = 10_000;
/** How long a turn waits after an attempt that failed, or that could not be prepared. Ms. */
export const RETRY_MS = 1_000;
/** No timer of the scheduler is shorter, in ms. */
const MIN_WAKE_MS = 250;

export interface SchedulerParts {
  readonly turns: TurnStore;
  readonly sessions: SchedulerSessions;
  readonly leases: LeaseRegistry;
  readonly rooms: SchedulerRooms;
  /** A person's name by id, for prompts. */
  readonly nameOf: (person: string) => string | null | undefined;
  /** Logs and sends events. */
  readonly publish: (drafts: readonly EventDraft[]) => void;
  readonly clock: Clock;
  readonly log: SchedulerLog;
}

export type StopOutcome = 'stopped' | 'final' | 'stale' | 'unknown';

export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #workers = new Workers();
  readonly #settler: Settler;
  readonly #news: TurnNews;
  readonly #preparing = new Set<Promise<void>>();
  readonly #served = { people: new Map<string, number>(), rooms: new Map<string, number>() };
  #servedCount = 0;
  #state: 'idle' | 'running' | 'draining' | 'stopped' = 'idle';
  /** A worker gave turns back: nothing is leased until then. */
  #hold: { readonly until: number; readonly reason: string } | null = null;
  #sweptAt = 0;
  #callOffSweep: () => void = () => undefined;
  #callOffWake: () => void = () => undefined;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#settler = new Settler({
      ...parts,
      publish: (drafts) => {
        this.#news.heard(drafts.flatMap((draft) => (draft.type === 'turn.updated' ? [draft.payload] : [])));
        parts.publish(drafts);
      },
      isRehearsing: () => this.brainStatus().provider === 'rehearsal',
      onSettled: () => this.#evaluate(),
    });
    this.#news = new TurnNews({
      ...parts,
      openViews: () => this.#viewsOf(parts.turns.unsettled().filter(({ state }) => !isFinal(state))),
      brain: () => this.brainStatus(),
    });
  }

  /**
   * Starts. Leases found in SQLite get one more period and count again, so that a worker which kept on writing while
   * the server was away goes on under its client id.
   */
  run(): void {
    const { turns, leases, clock } = this.#parts;
    const leased = turns.leased().filter(({ ending }) => ending === null);
    turns.renew(leased, clock.now() + LEASE_MS);
    for (const turn of leased) {
      const grant = grantOf(turn);
      if (!grant) continue;
      leases.grant(grant);
      this.#workers.hold(grant, null);
    }
    this.#state = 'running';
    this.#sweptAt = clock.now();
    this.#sweepLater();
    this.#evaluate();
  }

  /** Leases nothing more and waits for what is being written; leases that are held live on. Ends early with the signal. */
  async drain(signal: AbortSignal): Promise<void> {
    if (this.#state === 'running') this.#state = 'draining';
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([aborted, Promise.all([...this.#preparing]).then(() => this.#settler.idle())]);
  }

  /** Ends all timers. Nothing is leased, ended or told from here on. */
  stop(): void {
    this.#state = 'stopped';
    this.#callOffSweep();
    this.#callOffWake();
    this.#news.stop();
    this.#settler.stop();
  }

  /** To be called after each projection, with what that told of turns. */
  onProjected(told: readonly TurnView[]): void {
    this.#news.heard(told);
    this.#evaluate();
  }

  /**
   * Stops a turn. The lease is dead and the worker told when this returns; it resolves once the entry that says so is
   * projected (or the first try to write it failed: it is tried again). `final` and `stale` (another attempt runs)
   * change nothing. Rejects only where SQLite does; the caller has checked the permission.
   */
  async stopTurn(turn: string, attempt: number, by: string): Promise<StopOutcome> {
    const outcome = this.#parts.turns.requestStop({ turn, attempt }, by);
    if (outcome !== 'stopped') return outcome;
    this.#evaluate();
    await this.#settler.settled(turn);
    return outcome;
  }

  /** Ends what a person asked for and nobody has begun: they may not ask (there) any more. */
  cancelQueuedOf(person: string, sessionId?: string): void {
    for (const turn of this.#parts.turns.openOf(person)) {
      if (turn.state !== 'queued' || (sessionId !== undefined && turn.sessionId !== sessionId)) continue;
      this.#parts.turns.requestEnd(turn.turn, { outcome: 'stopped' });
    }
    this.#evaluate();
  }

  /** What answers, by the workers' word; where none is connected, `connected` is false and `error` says so. */
  brainStatus(): BrainStatus {
    return this.#workers.brain();
  }

  /** A session's turns that are not final. */
  views(sessionId: string): readonly TurnView[] {
    return this.#viewsOf(this.#parts.turns.bySession(sessionId));
  }

  /** All turns of a cause, final ones included: a debate, for one. */
  viewsOfGroup(group: string): readonly TurnView[] {
    return this.#viewsOf(this.#parts.turns.group(group));
  }

  view(turn: string): TurnView | null {
    const record = this.#parts.turns.get(turn);
    return record ? (this.#viewsOf([record])[0] ?? null) : null;
  }

  attachWorker(link: WorkerLink): AttachedWorker {
    const worker = this.#workers.connect(link);
    return {
      receive: (message) => {
        if (!this.#workers.isConnected(worker) || this.#state === 'stopped') return;
        this.#receive(worker, message);
        this.#evaluate();
      },
      closed: () => {
        if (this.#workers.disconnect(worker)) this.#evaluate();
      },
    };
  }

  #receive(worker: ConnectedWorker, message: WorkerMessage): void {
    switch (message.type) {
      case 'hello':
        worker.slots = message.slots;
        return;
      case 'heartbeat':
        this.#heartbeat(worker, message.leases);
        return;
      case 'phase':
        if (this.#workers.claim(message, worker)) this.#parts.turns.progress(message, message.phase, message.model);
        return;
      case 'failed': {
        const { code, message: sentence, isFinal: isLast } = message;
        if (!this.#workers.claim(message, worker)) return;
        this.#interrupt(message, { isCounted: true, isFinal: isLast, error: { code, message: sentence } });
        return;
      }
      case 'released':
        if (!this.#workers.claim(message, worker)) return;
        this.#hold = { until: this.#parts.clock.now() + RELEASED_HOLD_MS, reason: message.reason };
        this.#interrupt(message, { isCounted: false, error: { code: 'released', message: message.reason } });
        return;
      case 'brain': {
        const isChanged = JSON.stringify(worker.brain) !== JSON.stringify(message.status);
        worker.brain = message.status;
        if (isChanged && message.status.llm_available) this.#hold = null;
        return;
      }
      default:
        unreachable(message);
    }
  }

  /** Renews what the worker works on. The first list after its hello is complete: what was its, and isn't in it, is lost. */
  #heartbeat(worker: ConnectedWorker, listed: readonly LeaseRef[]): void {
    const { turns, clock } = this.#parts;
    const renewed: LeaseRef[] = [];
    for (const ref of listed) {
      if (this.#workers.claim(ref, worker)) renewed.push(ref);
      else worker.link.send({ type: 'abort', turn: ref.turn, attempt: ref.attempt });
    }
    turns.renew(renewed, clock.now() + LEASE_MS);
    if (worker.hasListed || worker.slots === 0) return;
    worker.hasListed = true;
    for (const ref of this.#workers.orphaned()) this.#interrupt(ref, { isCounted: true, error: LOST });
  }

  // --- the one place where anything follows ---

  #evaluate(): void {
    if (this.#state !== 'running' && this.#state !== 'draining') return;
    try {
      const turns = this.#endWhatIsOver();
      for (const turn of turns) this.#settler.settle(turn);
      const plan = this.#plan(turns);
      const holdUntil = this.#holdUntil();
      if (this.#state === 'running' && holdUntil === null) this.#leaseFrom(plan);
      this.#wakeAt(holdUntil ?? plan.nextAt);
      this.#news.tellSoon();
    } catch (error) {
      this.#parts.log('The turns could not be scheduled; trying again', error);
      this.#wakeAt(this.#parts.clock.now() + RETRY_MS);
    }
  }

  /** Ends turns that their stage ends, again until none is left, and leases that no turn has any more. */
  #endWhatIsOver(): readonly TurnRecord[] {
    const { turns } = this.#parts;
    let unsettled = turns.unsettled();
    for (let endings = endingsByStage(unsettled); endings.length > 0; endings = endingsByStage(unsettled)) {
      for (const { turn, ending } of endings) turns.requestEnd(turn.turn, ending);
      unsettled = turns.unsettled();
    }
    const byTurn = new Map<string, TurnRecord>(unsettled.map((turn) => [turn.turn, turn]));
    for (const ref of this.#workers.held()) {
      const turn = byTurn.get(ref.turn);
      const isAlive = turn?.lease && turn.attempt === ref.attempt && !turn.ending && !isFinal(turn.state);
      if (!isAlive) this.#endLease(ref);
    }
    return unsettled;
  }

  #holdUntil(): number | null {
    if (this.#hold && this.#hold.until <= this.#parts.clock.now()) this.#hold = null;
    return this.#hold?.until ?? null;
  }

  #leaseFrom(plan: QueuePlan): void {
    for (const turn of plan.ready) {
      const worker = this.#workers.freest();
      if (!worker) return;
      this.#markServed(turn);
      this.#workers.fill(turn.turn, worker);
      const preparing = this.#prepare(turn, worker).finally(() => {
        this.#preparing.delete(preparing);
        this.#evaluate();
      });
      this.#preparing.add(preparing);
    }
  }

  /** Gives a turn its lease and the worker its job. Never rejects. */
  async #prepare(turn: TurnRecord, worker: ConnectedWorker): Promise<void> {
    const { turns, rooms, sessions, clock, log } = this.#parts;
    try {
      const session = sessions.get(turn.sessionId);
      if (!session) throw new Error(`session ${turn.sessionId} is not there`);
      const terms = { attempt: turn.attempt + 1, ...(await rooms.prepare(session.id)) };
      if (this.#state !== 'running' || !this.#workers.isConnected(worker)) return;
      const job = buildLease(turn, terms, {
        session,
        entries: sessions.entries(turn.sessionId, { newest: MAX_CONTEXT_ENTRIES }),
        entry: (id) => sessions.entry(turn.sessionId, id),
        group: (cause) => turns.group(cause),
        nameOf: this.#parts.nameOf,
      });
      if (!job) {
        turns.requestEnd(turn.turn, { outcome: 'failed', error: { code: 'no_cause', message: NO_CAUSE } });
        return;
      }
      const leased = turns.lease(turn.turn, { ...terms, expiresAt: clock.now() + LEASE_MS });
      const grant = leased && grantOf(leased);
      if (!grant) return;
      this.#parts.leases.grant(grant);
      this.#workers.hold(grant, worker);
      worker.link.send({ type: 'job', lease: job });
    } catch (error) {
      log(`Turn ${turn.turn} could not be started yet`, error);
      if (this.#state !== 'stopped') turns.postpone(turn.turn, clock.now() + RETRY_MS);
    } finally {
      this.#workers.filled(turn.turn);
    }
  }

  /** Ends a lease without an answer; the holder knows. */
  #interrupt(
    ref: LeaseRef,
    why: { isCounted: boolean; error: { code: string; message: string }; isFinal?: boolean },
  ): void {
    const { turns, leases, clock } = this.#parts;
    leases.end(ref.turn, ref.attempt);
    this.#workers.release(ref.turn);
    turns.interrupt(ref, { ...why, retryAt: why.isCounted ? clock.now() + RETRY_MS : 0 });
  }

  /** Ends a lease; its holder is told, unless its own reply was what ended it. */
  #endLease({ turn, attempt }: LeaseRef): void {
    const { leases } = this.#parts;
    const wasAlive = leases.byTurn(turn, attempt) !== undefined;
    leases.end(turn, attempt);
    const worker = this.#workers.release(turn);
    if (wasAlive) worker?.link.send({ type: 'abort', turn, attempt });
  }

  // --- time ---

  #sweepLater(): void {
    this.#callOffSweep = this.#parts.clock.setTimer(() => this.#sweep(), SWEEP_MS);
  }

  #sweep(): void {
    const { turns, clock, log } = this.#parts;
    const now = clock.now();
    const sinceLastMs = now - this.#sweptAt;
    this.#sweptAt = now;
    this.#sweepLater();
    try {
      const leased = turns.leased().filter(({ ending }) => ending === null);
      // This machine slept, or its clock was set: no worker had a chance to say that it is alive.
      const hasJumped = sinceLastMs < 0 || sinceLastMs > SWEEP_MS + LEASE_MS;
      if (hasJumped) turns.renew(leased, now + LEASE_MS);
      else for (const turn of leased) if (turn.lease && turn.lease.expiresAt <= now) this.#expire(turn);
    } catch (error) {
      log('The leases could not be looked through; trying again', error);
    }
    this.#evaluate();
  }

  #expire(turn: TurnRecord): void {
    this.#endLease(turn);
    this.#interrupt(turn, { isCounted: true, error: LOST });
  }

  #wakeAt(at: number | null): void {
    this.#callOffWake();
    if (at === null) return;
    this.#callOffWake = this.#parts.clock.setTimer(
      () => this.#evaluate(),
      Math.max(MIN_WAKE_MS, at - this.#parts.clock.now()),
    );
  }

  // --- what others see ---

  #plan(turns: readonly TurnRecord[]): QueuePlan {
    const nowMs = this.#parts.clock.now();
    const isTaken = (turn: string) => this.#workers.isFilling(turn);
    return planQueue({ turns, isTaken, served: this.#served, nowMs });
  }

  #places(): ReadonlyMap<string, number> {
    const { order } = this.#plan(this.#parts.turns.unsettled());
    return new Map(order.map(({ turn }, index) => [turn, index + 1]));
  }

  #viewsOf(turns: readonly TurnRecord[]): readonly TurnView[] {
    const places = this.#places();
    const model = this.brainStatus().active_model;
    return turns.map((turn) => {
      const view = viewOf(turn, places.get(turn.turn) ?? null, this.#waitingFor(turn));
      // The worker names its model with its first phase; until then it is loading the one that answers now.
      return view.state === 'loading' && view.model === null ? { ...view, model } : view;
    });
  }

  #waitingFor(turn: TurnRecord): string | null {
    if (turn.state !== 'queued' || turn.ending) return null;
    if (!this.#workers.isAnyReady()) return this.brainStatus().error ?? null;
    return this.#hold?.reason ?? null;
  }

  #markServed(turn: TurnRecord): void {
    this.#servedCount += 1;
    remember(this.#served.people, turn.askedBy, this.#servedCount);
    remember(this.#served.rooms, roomKey(turn), this.#servedCount);
  }
}

/** What the gate is to know of a lease; null where the turn has none. */
function grantOf(turn: TurnRecord): LeaseGrant | null {
  if (!turn.lease) return null;
  const { turn: id, attempt, agent, step, cause } = turn;
  const { document, clientId } = turn.lease;
  return { turn: id, attempt, document, clientId, rowId: rowIdOf(id, attempt), agent, step, cause };
}

const NO_CAUSE = 'What was asked is not there any more.';
const LOST = { code: 'interrupted', message: 'The agent was interrupted and did not come back.' };

/** People and rooms of which it is known when they were served last; the longest ago are forgotten, and so come first. */
const MAX_SERVED = 1_000;

function remember(served: Map<string, number>, key: string, count: number): void {
  served.delete(key);
  served.set(key, count);
  const oldest = served.size > MAX_SERVED ? served.keys().next().value : undefined;
  if (oldest !== undefined) served.delete(oldest);
}
