import type { Dispatcher } from 'undici';
import { errorFromRefusal, ModelError } from './model-error.ts';

/** A line of an answer can be 8 MB; twice that is no answer of Ollama's. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

const MAX_REFUSAL_CHARS = 2_000;
const NEWLINE = 10;
/** What ollama-js 0.6.4 throws where a stream ends without its last line. */
const NO_DONE = 'Did not receive done or success response in stream.';

export type ExchangeLimits = {
  /** From sending the request to its headers, which come with the first chunk: queue, load and prompt are in here. */
  readonly headersTimeoutMs: number;
  /** Between two chunks of the body, counted only while somebody waits for the next. */
  readonly idleTimeoutMs: number;
};

/**
 * One request and its answer. Lends a `fetch` to the ollama package that carries our signal and our limits, so that
 * stopping closes the connection in every phase, and afterwards tells in our words what went wrong.
 *
 *     sent --headers--> answering --body ends--> over
 *       \__ timeout, caller's signal, refusal, lost connection __/
 */
export class Exchange {
  readonly #dispatcher: Dispatcher;
  readonly #limits: ExchangeLimits;
  readonly #callerSignal: AbortSignal | undefined;
  readonly #connection = new AbortController();
  readonly #onCallerAbort = () => this.#stop(new ModelError('aborted', 'The request was stopped.'));
  #stoppedBy: ModelError | null = null;
  #hasHeaders = false;
  #timer: NodeJS.Timeout | undefined;
  #lineBytes = 0;

  constructor(options: { dispatcher: Dispatcher; limits: ExchangeLimits; signal: AbortSignal | undefined }) {
    this.#dispatcher = options.dispatcher;
    this.#limits = options.limits;
    this.#callerSignal = options.signal;
    if (options.signal?.aborted) this.#onCallerAbort();
    else options.signal?.addEventListener('abort', this.#onCallerAbort, { once: true });
  }

  /** For the ollama package: rejects with a ModelError on a refusal, so its own reading of refusals is never reached. */
  readonly fetch: typeof fetch = async (input, init) => {
    this.#arm(this.#limits.headersTimeoutMs, 'The model did not begin to answer in time.');
    try {
      // reason: Node's own types of fetch do not know the `dispatcher` of the undici package, its run time does.
      const answer = await fetch(input, {
        ...init,
        signal: this.#connection.signal,
        dispatcher: this.#dispatcher,
      } as RequestInit);
      if (!answer.ok) throw errorFromRefusal(answer.status, await refusalText(answer));
      this.#hasHeaders = true;
      return new Response(this.#timed(answer.body), { status: answer.status, headers: answer.headers });
    } finally {
      clearTimeout(this.#timer);
    }
  };

  /** Whatever the ollama package or the connection threw, as a ModelError. */
  failure(thrown: unknown): ModelError {
    if (this.#stoppedBy !== null) return this.#stoppedBy;
    if (thrown instanceof ModelError) return thrown;
    const reason = rootMessage(thrown);
    if (!this.#hasHeaders) return new ModelError('unreachable', `No answer: ${reason}`, { cause: thrown });
    const sentence =
      reason === NO_DONE ? 'The answer ended before it was finished.' : `The answer was interrupted: ${reason}`;
    return new ModelError('interrupted', sentence, { cause: thrown });
  }

  /** Closes the connection if it is still open. Idempotent. */
  close(): void {
    clearTimeout(this.#timer);
    this.#callerSignal?.removeEventListener('abort', this.#onCallerAbort);
    this.#connection.abort();
  }

  #stop(reason: ModelError): void {
    this.#stoppedBy ??= reason;
    this.#connection.abort();
  }

  #arm(timeoutMs: number, message: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stop(new ModelError('timeout', message)), timeoutMs);
  }

  #timed(body: ReadableStream<Uint8Array> | null): ReadableStream<Uint8Array> | null {
    if (body === null) return null;
    const reader = body.getReader();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          this.#arm(this.#limits.idleTimeoutMs, 'The model stopped in the middle of its answer.');
          try {
            const part = await reader.read();
            if (part.done) controller.close();
            else controller.enqueue(this.#bounded(part.value));
          } finally {
            clearTimeout(this.#timer);
          }
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  #bounded(bytes: Uint8Array): Uint8Array {
    const lastNewline = bytes.lastIndexOf(NEWLINE);
    this.#lineBytes = lastNewline < 0 ? this.#lineBytes + bytes.length : bytes.length - lastNewline - 1;
    if (this.#lineBytes > MAX_LINE_BYTES)
      throw new ModelError('interrupted', 'The model answered with an endless line.');
    return bytes;
  }
}

async function refusalText(answer: Response): Promise<string> {
  const text = (await answer.text()).slice(0, MAX_REFUSAL_CHARS);
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string')
      return body.error;
  } catch {
    // Not JSON: the text itself is what there is to say.
  }
  return text === '' ? `HTTP status ${answer.status}` : text;
}

/** fetch says only "fetch failed"; the reason is its cause. */
function rootMessage(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.cause instanceof Error) return rootMessage(thrown.cause);
  // The cause of a refused connection to a name with several addresses is an AggregateError without a message.
  if (thrown instanceof AggregateError) return thrown.errors.map(rootMessage).join(', ');
  return thrown.message;
}
