import { Ollama } from 'ollama';
import { Agent } from 'undici';
import { Exchange, type ExchangeLimits } from './exchange.ts';
import { errorFromPull, ModelError } from './model-error.ts';
import { sameModel } from './model-name.ts';
import { type ChatLine, chatLine, psAnswer, pullLine, tagsAnswer, versionAnswer } from './model-wire.ts';
import { KEEP_ALIVE, RUNNER_OPTIONS, type SamplingOptions } from './runner-options.ts';

/** Headers come with the first chunk: a large model on a slow disk loads for minutes, behind others in the queue. */
const ANSWER_HEADERS_TIMEOUT_MS = 10 * 60_000;
const ANSWER_IDLE_TIMEOUT_MS = 60_000;
/** `verifying sha256 digest` is silent for as long as it takes to read the whole model. */
const PULL_IDLE_TIMEOUT_MS = 10 * 60_000;
const QUESTION_TIMEOUT_MS = 5_000;

const NS_PER_MS = 1e6;
const NOT_OLLAMA = 'What answers at this address does not speak the API of Ollama.';

export type ClientLimits = {
  readonly answer: ExchangeLimits;
  readonly pull: ExchangeLimits;
  /** Short questions: version, tags, ps. */
  readonly question: ExchangeLimits;
};

const LIMITS: ClientLimits = {
  answer: { headersTimeoutMs: ANSWER_HEADERS_TIMEOUT_MS, idleTimeoutMs: ANSWER_IDLE_TIMEOUT_MS },
  pull: { headersTimeoutMs: ANSWER_IDLE_TIMEOUT_MS, idleTimeoutMs: PULL_IDLE_TIMEOUT_MS },
  question: { headersTimeoutMs: QUESTION_TIMEOUT_MS, idleTimeoutMs: QUESTION_TIMEOUT_MS },
};

export type ChatMessage = { readonly role: 'system' | 'user' | 'assistant'; readonly content: string };

export type ChatRequest = {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** A JSON schema that the answer's text satisfies. */
  readonly format?: object;
  /** Whether the model may think first. Absent means false: Ollama itself would take it for true. */
  readonly think?: boolean;
  readonly options?: SamplingOptions;
};

/** Known before the first word: `waiting`, then `loading` or `reading` (the prompt); then what the words are. */
export type ChatPhase = 'waiting' | 'loading' | 'reading' | 'thinking' | 'writing';

export type ChatMetrics = {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly loadMs: number;
  readonly promptMs: number;
  readonly outputMs: number;
  readonly totalMs: number;
};

export type ChatEvent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'thinking'; readonly text: string }
  | { readonly kind: 'done'; readonly reason: 'stop' | 'length'; readonly metrics: ChatMetrics };

export type PullProgress = {
  readonly status: string;
  readonly digest: string | null;
  /** Of this digest; 0 where unknown. */
  readonly completedBytes: number;
  readonly totalBytes: number;
};

export type InstalledModel = {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedAt: string;
  readonly family: string;
};

export type LoadedModel = { readonly name: string; readonly vramBytes: number; readonly contextTokens: number };

export type Waiting = { readonly signal?: AbortSignal };

/** Speaks with one server that has Ollama's API. Everything it throws is a ModelError. */
export class ModelClient {
  readonly host: string;
  readonly #limits: ClientLimits;
  /** Its own time-outs are off (Node gives up after 300 s otherwise); ours are in Exchange. No connection is reused. */
  readonly #agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, pipelining: 0 });

  constructor(options: { host: string; limits?: Partial<ClientLimits> }) {
    this.host = options.host;
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /** Ends every request that is still open. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /**
   * Yields words as they come and exactly one `done` at the end; without it, it throws. Leaving the loop or aborting
   * the signal closes the connection at once, which stops the model.
   */
  async *chat(
    request: ChatRequest,
    { signal, onPhase }: Waiting & { onPhase?: (phase: ChatPhase) => void } = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    if (onPhase) await this.#tellWait(request.model, onPhase, signal);
    const exchange = this.#exchange(this.#limits.answer, signal);
    let phase: ChatPhase = 'waiting';
    const enter = (next: ChatPhase) => {
      if (next !== phase) onPhase?.(next);
      phase = next;
    };
    try {
      const lines = await this.#api(exchange).chat({ ...chatBody(request), stream: true });
      for await (const raw of lines) {
        const line = read(chatLine, raw, 'interrupted');
        if (line.message.thinking !== '') {
          enter('thinking');
          yield { kind: 'thinking', text: line.message.thinking };
        }
        if (line.message.content !== '') {
          enter('writing');
          yield { kind: 'text', text: line.message.content };
        }
        if (line.done) yield { kind: 'done', reason: doneReason(line), metrics: metricsOf(line) };
      }
    } catch (error) {
      throw exchange.failure(error);
    } finally {
      exchange.close();
    }
  }

  /** Loads the model with the product's runner options, so that the next chat starts at once. Resolves when loaded. */
  async preload(model: string, { signal }: Waiting = {}): Promise<void> {
    await this.#ask(this.#limits.answer, signal, (api) =>
      api.chat({ ...chatBody({ model, messages: [] }), stream: false }),
    );
  }

  /** Yields progress and ends after success. Stopping cancels; pulling again resumes. */
  async *pull(name: string, { signal }: Waiting = {}): AsyncGenerator<PullProgress, void, undefined> {
    const exchange = this.#exchange(this.#limits.pull, signal);
    try {
      const lines = await this.#api(exchange).pull({ model: name, stream: true });
      for await (const raw of lines) {
        const line = read(pullLine, raw, 'interrupted');
        yield {
          status: line.status,
          digest: line.digest ?? null,
          completedBytes: line.completed,
          totalBytes: line.total,
        };
      }
    } catch (error) {
      throw errorFromPull(exchange.failure(error));
    } finally {
      exchange.close();
    }
  }

  async version({ signal }: Waiting = {}): Promise<string> {
    const answer = await this.#ask(this.#limits.question, signal, (api) => api.version());
    return read(versionAnswer, answer, 'unreachable').version;
  }

  /** The models on this machine. Those that Ollama runs elsewhere are left out: their words would leave the house. */
  async models({ signal }: Waiting = {}): Promise<InstalledModel[]> {
    const answer = await this.#ask(this.#limits.question, signal, (api) => api.list());
    return (read(tagsAnswer, answer, 'unreachable').models ?? [])
      .filter((model) => model.remote_host === undefined && !/[:-]cloud$/.test(model.name))
      .map((model) => ({
        name: model.name,
        sizeBytes: model.size,
        modifiedAt: model.modified_at,
        family: model.details.family,
      }));
  }

  /** The models in memory. */
  async loaded({ signal }: Waiting = {}): Promise<LoadedModel[]> {
    const answer = await this.#ask(this.#limits.question, signal, (api) => api.ps());
    return (read(psAnswer, answer, 'unreachable').models ?? []).map((model) => ({
      name: model.name,
      vramBytes: model.size_vram,
      contextTokens: model.context_length,
    }));
  }

  /** Asked before the chat is sent: afterwards Ollama lists a model that is still loading, too. Never rejects. */
  async #tellWait(model: string, onPhase: (phase: ChatPhase) => void, signal: AbortSignal | undefined): Promise<void> {
    onPhase('waiting');
    try {
      const loaded = await this.loaded(signal === undefined ? {} : { signal });
      onPhase(loaded.some((candidate) => sameModel(candidate.name, model)) ? 'reading' : 'loading');
    } catch {
      // The phase is a hint. What is wrong with the server, the chat that follows will say.
    }
  }

  async #ask<T>(
    limits: ExchangeLimits,
    signal: AbortSignal | undefined,
    call: (api: Ollama) => Promise<T>,
  ): Promise<T> {
    const exchange = this.#exchange(limits, signal);
    try {
      return await call(this.#api(exchange));
    } catch (error) {
      if (error instanceof SyntaxError) throw new ModelError('unreachable', NOT_OLLAMA, { cause: error });
      throw exchange.failure(error);
    } finally {
      exchange.close();
    }
  }

  #exchange(limits: ExchangeLimits, signal: AbortSignal | undefined): Exchange {
    return new Exchange({ dispatcher: this.#agent, limits, signal });
  }

  #api(exchange: Exchange): Ollama {
    return new Ollama({ host: this.host, fetch: exchange.fetch });
  }
}

function chatBody(request: ChatRequest) {
  return {
    model: request.model,
    messages: request.messages.map(({ role, content }) => ({ role, content })),
    think: request.think ?? false,
    keep_alive: KEEP_ALIVE,
    options: { ...request.options, ...RUNNER_OPTIONS },
    ...(request.format === undefined ? {} : { format: request.format }),
  };
}

function doneReason(line: ChatLine): 'stop' | 'length' {
  return line.done_reason === 'length' ? 'length' : 'stop';
}

function metricsOf(line: ChatLine): ChatMetrics {
  return {
    promptTokens: line.prompt_eval_count,
    outputTokens: line.eval_count,
    loadMs: line.load_duration / NS_PER_MS,
    promptMs: line.prompt_eval_duration / NS_PER_MS,
    outputMs: line.eval_duration / NS_PER_MS,
    totalMs: line.total_duration / NS_PER_MS,
  };
}

/** An answer of another shape: in the middle of a stream an interruption, otherwise not the server we look for. */
function read<T>(schema: { parse(value: unknown): T }, answer: unknown, code: 'interrupted' | 'unreachable'): T {
  try {
    return schema.parse(answer);
  } catch (cause) {
    throw new ModelError(code, NOT_OLLAMA, { cause });
  }
}
