import {
  type BrainSettings,
  type BrainState,
  type BrainStatus,
  type Endpoint,
  endpointOf,
  INITIAL_BRAIN,
  isOllamaSettled,
  nextBrain,
  type Observation,
  statusOf,
} from './brain-state.ts';
import { findOllama } from './find-ollama.ts';
import { ModelClient } from './model-client.ts';
import { DEFAULT_OLLAMA_URL } from './ollama-host.ts';

/** How soon an Ollama that was installed or stopped meanwhile is noticed. */
const PROBE_INTERVAL_MS = 5_000;
/** Long enough for a server that is busy loading a model. */
const PROBE_TIMEOUT_MS = 2_000;

/** A timer that tests can turn by hand. */
export type Timer = { after(ms: number, run: () => void): { cancel(): void } };

const REAL_TIMER: Timer = {
  after(ms, run) {
    const timeout = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timeout) };
  },
};

/** A server of ours that stands in for Ollama. */
export type StandIn = { readonly url: string; close(): Promise<void> };

export type BrainOptions = BrainSettings & {
  /** Called at most once at a time, and only when no Ollama is to be found. */
  readonly startRehearsal: () => Promise<StandIn>;
  readonly findBinary?: () => Promise<string | null>;
  readonly defaultHost?: string;
  readonly timer?: Timer;
  readonly probeIntervalMs?: number;
};

/**
 * Knows which endpoint answers, and looks again every few seconds: an Ollama that is installed later is used without a
 * restart. Its loop never rejects.
 */
export class Brain {
  readonly #options: BrainOptions;
  readonly #listeners = new Set<(status: BrainStatus) => void>();
  readonly #stopping = new AbortController();
  #state: BrainState = INITIAL_BRAIN;
  #published: string;
  #standIn: StandIn | null = null;
  #look: Promise<void> | null = null;
  #nextLook: { cancel(): void } | null = null;

  constructor(options: BrainOptions) {
    this.#options = options;
    this.#published = JSON.stringify(this.status());
  }

  /** Resolves after the first look round. */
  async start(): Promise<void> {
    await this.probe();
  }

  /** Ends the loop and the stand-in. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#nextLook?.cancel();
    await this.#look;
    await this.#standIn?.close();
    this.#standIn = null;
  }

  status(): BrainStatus {
    return statusOf(this.#options, this.#state);
  }

  /** Where turns are answered now; null while none can be. */
  endpoint(): Endpoint | null {
    return endpointOf(this.#options, this.#state);
  }

  /** Tells every change of the status, after it. Answers how to end that. */
  onChange(listener: (status: BrainStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks round now (after a pull, after a refused turn), or joins the look that is under way. Never rejects. */
  probe(): Promise<void> {
    this.#look ??= this.#lookRound().finally(() => {
      this.#look = null;
    });
    return this.#look;
  }

  async #lookRound(): Promise<void> {
    this.#nextLook?.cancel();
    const seen = await this.#observe();
    if (this.#stopping.signal.aborted) return;
    this.#state = nextBrain(this.#state, seen);
    this.#publish();
    const timer = this.#options.timer ?? REAL_TIMER;
    this.#nextLook = timer.after(this.#options.probeIntervalMs ?? PROBE_INTERVAL_MS, () => void this.probe());
  }

  async #observe(): Promise<Observation> {
    const host = this.#options.explicitHost ?? this.#options.defaultHost ?? DEFAULT_OLLAMA_URL;
    const ollama = await this.#ask('ollama', host);
    if (ollama.kind === 'answers' || isOllamaSettled(this.#options, this.#state)) return ollama;
    if ((await (this.#options.findBinary ?? findOllama)()) !== null) return ollama;
    if (this.#stopping.signal.aborted) return ollama;
    try {
      this.#standIn ??= await this.#options.startRehearsal();
    } catch (error) {
      return { kind: 'silent', provider: 'rehearsal', host: '127.0.0.1', reason: String(error) };
    }
    return this.#ask('rehearsal', this.#standIn.url);
  }

  async #ask(provider: Observation['provider'], host: string): Promise<Observation> {
    const limit = { headersTimeoutMs: PROBE_TIMEOUT_MS, idleTimeoutMs: PROBE_TIMEOUT_MS };
    const client = new ModelClient({ host, limits: { question: limit } });
    try {
      return { kind: 'answers', provider, host, models: await client.models({ signal: this.#stopping.signal }) };
    } catch (error) {
      return { kind: 'silent', provider, host, reason: error instanceof Error ? error.message : String(error) };
    } finally {
      await client.close();
    }
  }

  #publish(): void {
    const status = this.status();
    const json = JSON.stringify(status);
    if (json === this.#published) return;
    this.#published = json;
    for (const listener of this.#listeners) listener(status);
  }
}
