/**
 * The agent worker: takes leases from the server's standing socket, works on as many as it has slots, and says what
 * came of each. The server may go and come back: turns go on, and what it has to be told waits for it.
 */
import type { BrainStatus } from '../sync-server/protocol/brain.ts';
import { PROTOCOL_VERSION } from '../sync-server/protocol/frames.ts';
import { HEARTBEAT_MS } from '../sync-server/protocol/turn.ts';
import { unreachable } from '../sync-server/protocol/unreachable.ts';
import type { Lease, ServerMessage, WorkerMessage } from '../sync-server/protocol/worker-link.ts';
import type { BrainStatus as ModelBrainStatus } from './model/brain-state.ts';
import type { TurnEnd } from './turn.ts';
import { WorkerLink } from './worker-link.ts';

/** Ends that wait for a server that is away; the oldest go first, their leases run out by themselves. */
const MAX_UNSENT = 64;
const MAX_SENTENCE_CHARS = 1_000;

/** What tells which model answers: `Brain` in production. */
interface BrainView {
  status(): ModelBrainStatus;
  onChange(listener: (status: ModelBrainStatus) => void): () => void;
}

/** Runs one lease. Rejects only where the lease itself is of no use. */
export type RunLease = (
  lease: Lease,
  onPhase: (phase: 'reading' | 'writing', model: string) => void,
  signal: AbortSignal,
) => Promise<TurnEnd>;

export interface WorkerOptions {
  readonly server: string;
  readonly token: () => string;
  readonly slots: number;
  readonly brain: BrainView;
  readonly runLease: RunLease;
  readonly log: (sentence: string) => void;
  readonly onFirstConnected?: () => void;
}

interface Job {
  readonly lease: Lease;
  readonly stop: AbortController;
  phase: Extract<WorkerMessage, { type: 'phase' }> | null;
}

type Ref = { readonly turn: string; readonly attempt: number };

export class Worker {
  readonly #options: WorkerOptions;
  readonly #link: WorkerLink;
  readonly #running = new Map<string, Job>();
  readonly #pending = new Map<string, Job>();
  readonly #ended = new Set<Promise<void>>();
  #unsent: WorkerMessage[] = [];
  #isStopping = false;
  #wasConnected = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#link = new WorkerLink({
      server: options.server,
      token: options.token,
      log: options.log,
      onOpen: () => this.#greet(),
      onMessage: (message) => this.#receive(message),
    });
  }

  /** Works until the signal aborts; then gives its leases back, closes and resolves. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const closing = new AbortController();
    const endBrain = this.#options.brain.onChange((status) => this.#link.send(brainMessage(status)));
    const heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    const link = this.#link.run(closing.signal);
    await aborted(signal);
    this.#isStopping = true;
    clearInterval(heartbeat);
    endBrain();
    for (const { lease } of this.#jobs()) this.#tell(released(lease, 'The agent worker is restarting.'));
    for (const job of this.#jobs()) job.stop.abort();
    this.#pending.clear();
    await Promise.all(this.#ended);
    closing.abort();
    await link;
  }

  #jobs(): readonly Job[] {
    return [...this.#running.values(), ...this.#pending.values()];
  }

  /**
   * A server that was restarted takes a lease that is not in the first list for lost: so what ended meanwhile is told
   * before, and the list comes right after.
   */
  #greet(): void {
    const { slots, brain } = this.#options;
    this.#link.send({ type: 'hello', slots, protocol: PROTOCOL_VERSION });
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const message of unsent) this.#tell(message);
    this.#beat();
    this.#link.send(brainMessage(brain.status()));
    for (const { phase } of this.#jobs()) if (phase) this.#link.send(phase);
    if (!this.#wasConnected) this.#options.onFirstConnected?.();
    this.#wasConnected = true;
  }

  #beat(): void {
    const leases = this.#jobs().map(({ lease: { turn, attempt } }) => ({ turn, attempt }));
    this.#link.send({ type: 'heartbeat', leases });
    this.#link.ping();
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case 'job':
        this.#take(message.lease);
        return;
      case 'abort':
        this.#abort(message);
        return;
      default:
        unreachable(message);
    }
  }

  /**
   * The server gives the next job when it has taken a reply, which is a moment before that turn has ended here: so a
   * job may wait for its slot, but never more of them than there are slots.
   */
  #take(lease: Lease): void {
    const key = keyOf(lease);
    if (this.#running.has(key) || this.#pending.has(key)) return;
    if (this.#isStopping || this.#pending.size >= this.#options.slots) {
      this.#tell(released(lease, 'The agent worker has no free slot.'));
      return;
    }
    this.#pending.set(key, { lease, stop: new AbortController(), phase: null });
    this.#fillSlots();
  }

  #abort(ref: Ref): void {
    const key = keyOf(ref);
    this.#running.get(key)?.stop.abort();
    this.#pending.delete(key);
  }

  #fillSlots(): void {
    for (const [key, job] of this.#pending) {
      if (this.#running.size >= this.#options.slots) return;
      this.#pending.delete(key);
      this.#running.set(key, job);
      const end = this.#work(key, job).finally(() => this.#ended.delete(end));
      this.#ended.add(end);
    }
  }

  async #work(key: string, job: Job): Promise<void> {
    const { lease, stop } = job;
    const onPhase = (phase: 'reading' | 'writing', model: string) => {
      job.phase = { type: 'phase', turn: lease.turn, attempt: lease.attempt, phase, model };
      this.#link.send(job.phase);
    };
    const end = await this.#endOf(lease, onPhase, stop.signal);
    this.#running.delete(key);
    if (!stop.signal.aborted) this.#say(lease, end);
    if (!this.#isStopping) this.#fillSlots();
  }

  /** A lease that can't even be begun (a document's name that is none) must not end the other turns with the process. */
  async #endOf(...work: Parameters<RunLease>): Promise<TurnEnd> {
    try {
      return await this.#options.runLease(...work);
    } catch (error) {
      return { kind: 'failed', isFinal: true, code: 'fault', message: `The turn could not be begun: ${String(error)}` };
    }
  }

  #say(lease: Lease, end: TurnEnd): void {
    switch (end.kind) {
      case 'done':
      case 'over':
        return;
      case 'released':
        this.#options.log(`Gave a turn of ${lease.agent} back: ${end.reason}`);
        this.#tell(released(lease, end.reason));
        return;
      case 'failed': {
        const { turn, attempt } = lease;
        const message = end.message.slice(0, MAX_SENTENCE_CHARS);
        this.#options.log(`A turn of ${lease.agent} failed (${end.code}): ${message}`);
        this.#tell({ type: 'failed', turn, attempt, isFinal: end.isFinal, code: end.code, message });
        return;
      }
      default:
        unreachable(end);
    }
  }

  /** Sends now, or as soon as the server is back. */
  #tell(message: WorkerMessage): void {
    if (this.#link.send(message)) return;
    this.#unsent.push(message);
    if (this.#unsent.length > MAX_UNSENT) this.#unsent.shift();
  }
}

const keyOf = ({ turn, attempt }: Ref): string => `${turn}.${attempt}`;

const released = ({ turn, attempt }: Ref, reason: string): WorkerMessage => ({
  type: 'released',
  turn,
  attempt,
  reason: reason.slice(0, MAX_SENTENCE_CHARS),
});

function brainMessage(status: ModelBrainStatus): WorkerMessage {
  const copy: BrainStatus = { ...status, models: [...status.models] };
  return { type: 'brain', status: copy };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}
