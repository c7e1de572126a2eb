import type { LeaseRef } from '../../persistence/turns/turn-store.ts';
import type { BrainStatus } from '../protocol/brain.ts';
import type { WorkerLink } from './scheduler-ports.ts';

/** One connected worker. */
export interface ConnectedWorker {
  readonly link: WorkerLink;
  /** Jobs that it takes at once; 0 until it has said hello. */
  slots: number;
  /** It has said which leases it holds since it said hello. */
  hasListed: boolean;
  brain: BrainStatus | null;
}

interface HeldBy extends LeaseRef {
  /** Null: its worker is away, and may come back while the lease lives. */
  worker: ConnectedWorker | null;
}

/** Who is connected, and who holds which lease. In memory: after a restart nobody is connected, and leases wait for their worker. */
export class Workers {
  readonly #connected = new Set<ConnectedWorker>();
  readonly #held = new Map<string, HeldBy>();
  /** Slots that are being filled. */
  readonly #filling = new Map<string, ConnectedWorker>();

  connect(link: WorkerLink): ConnectedWorker {
    const worker: ConnectedWorker = { link, slots: 0, hasListed: false, brain: null };
    this.#connected.add(worker);
    return worker;
  }

  /** Its leases are nobody's until it lists them again. Answers whether it was connected. */
  disconnect(worker: ConnectedWorker): boolean {
    for (const held of this.#held.values()) if (held.worker === worker) held.worker = null;
    return this.#connected.delete(worker);
  }

  isConnected(worker: ConnectedWorker): boolean {
    return this.#connected.has(worker);
  }

  /** Whether anybody takes jobs. */
  isAnyReady(): boolean {
    return [...this.#connected].some(({ slots }) => slots > 0);
  }

  /** What the office's brain is: the word of a worker that can answer, or of any. */
  brain(): BrainStatus {
    const said = [...this.#connected].flatMap(({ brain }) => brain ?? []);
    return said.find((brain) => brain.llm_available) ?? said[0] ?? (this.isAnyReady() ? SILENT : NOBODY);
  }

  /** The worker with the most free slots, if any has one. A lease whose worker is away takes a slot of each. */
  freest(): ConnectedWorker | null {
    let best: ConnectedWorker | null = null;
    for (const worker of this.#connected)
      if (this.#free(worker) > 0 && (!best || this.#free(worker) > this.#free(best))) best = worker;
    return best;
  }

  #free(worker: ConnectedWorker): number {
    let free = worker.slots;
    for (const held of this.#held.values()) if (held.worker === worker || held.worker === null) free -= 1;
    for (const filling of this.#filling.values()) if (filling === worker) free -= 1;
    return free;
  }

  /** Takes a slot for a turn, until `filled`. */
  fill(turn: string, worker: ConnectedWorker): void {
    this.#filling.set(turn, worker);
  }

  filled(turn: string): void {
    this.#filling.delete(turn);
  }

  isFilling(turn: string): boolean {
    return this.#filling.has(turn);
  }

  hold(ref: LeaseRef, worker: ConnectedWorker | null): void {
    this.#held.set(ref.turn, { ...ref, worker });
  }

  /** Whether this very lease is held; it is the worker's from here on, whoever had it before. */
  claim(ref: LeaseRef, worker: ConnectedWorker): boolean {
    const held = this.#held.get(ref.turn);
    if (held?.attempt !== ref.attempt) return false;
    held.worker = worker;
    return true;
  }

  /** Frees the slot of a lease. Answers the worker to tell, if it is connected. */
  release(turn: string): ConnectedWorker | null {
    const worker = this.#held.get(turn)?.worker ?? null;
    this.#held.delete(turn);
    return worker;
  }

  held(): readonly LeaseRef[] {
    return [...this.#held.values()];
  }

  /** Leases whose worker is away. */
  orphaned(): readonly LeaseRef[] {
    return this.held().filter(({ turn }) => this.#held.get(turn)?.worker === null);
  }
}

const none = {
  connected: false,
  ollama_available: false,
  llm_available: false,
  provider: 'ollama',
  models: [],
  active_model: null,
} as const satisfies Partial<BrainStatus>;
const NOBODY: BrainStatus = { ...none, models: [], error: 'The agents are not running: no worker is connected.' };
const SILENT: BrainStatus = { ...none, models: [], error: 'The agents have not said yet which model they have.' };
