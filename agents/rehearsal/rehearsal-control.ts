import type { ChatRequestBody } from './request-body.ts';

/** The oldest are forgotten first. */
const MAX_RECORDED_REQUESTS = 1_000;
const MAX_SCRIPTED_FAULTS = 1_000;

/** What goes wrong with one chat or generate request. */
export type Fault =
  | { readonly kind: 'hold-headers' }
  | { readonly kind: 'fail-mid-stream'; readonly afterChunks: number; readonly message?: string | undefined }
  | { readonly kind: 'end-without-done'; readonly afterChunks: number }
  | { readonly kind: 'busy' }
  | { readonly kind: 'runner-crash' }
  | { readonly kind: 'missing-model' }
  | { readonly kind: 'slow'; readonly chunkDelayMs: number };

export type ScriptedFault = {
  readonly fault: Fault;
  /** How many requests it strikes. Absent: one. */
  readonly times?: number | undefined;
  /** Strikes only requests whose messages contain this. */
  readonly ifMessagesContain?: string | undefined;
};

/** What the server saw of one request to chat or generate. Times are epoch milliseconds. */
export type RecordedRequest = {
  readonly ordinal: number;
  readonly path: string;
  readonly body: ChatRequestBody;
  readonly fault: Fault['kind'] | null;
  readonly receivedAtMs: number;
  headersSentAtMs: number | null;
  chunksSent: number;
  /** The answer was sent to its end. */
  finishedAtMs: number | null;
  /** The client closed the connection before that. */
  closedEarlyAtMs: number | null;
};

/**
 * The prompter's box of the rehearsal server: a test scripts what goes wrong and reads what was asked. It exists only
 * in the server's own process (or over the IPC channel of the process that forked it), never over HTTP.
 */
export class RehearsalControl {
  readonly #requests: RecordedRequest[] = [];
  #faults: (ScriptedFault & { left: number })[] = [];
  readonly #held = new Set<() => void>();
  readonly #changes = new Set<() => void>();
  #nextOrdinal = 0;
  #running = 0;
  #mostParallel = 0;
  #loads = 0;

  /** Scripts a fault for the coming requests; several strike in the order in which they were scripted. */
  script(scripted: ScriptedFault): void {
    if (this.#faults.length >= MAX_SCRIPTED_FAULTS) throw new Error('too many scripted faults');
    this.#faults.push({ ...scripted, left: scripted.times ?? 1 });
  }

  /** Lets every request go on whose headers are held now; a held request is answered as if nothing had been. */
  release(): void {
    for (const letGo of this.#held) letGo();
    this.#held.clear();
  }

  /** Forgets the script and the record, and releases what is held. */
  reset(): void {
    this.#faults = [];
    this.#requests.length = 0;
    this.#mostParallel = this.#running;
    this.#loads = 0;
    this.release();
  }

  get requests(): readonly RecordedRequest[] {
    return this.#requests;
  }

  /** Requests being answered now. */
  get running(): number {
    return this.#running;
  }

  get mostParallel(): number {
    return this.#mostParallel;
  }

  get held(): number {
    return this.#held.size;
  }

  /** How often the model was loaded; more than once where the runner options differ between requests. */
  get loads(): number {
    return this.#loads;
  }

  /** Resolves as soon as the condition is true, asked again whenever the record changes; rejects with the signal's reason. */
  async until(condition: (control: RehearsalControl) => boolean, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => aborted.resolve(), { once: true });
    while (!condition(this)) {
      signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#changes.add(resolve);
      await Promise.race([promise, aborted.promise]);
      this.#changes.delete(resolve);
    }
  }

  // The server's side.

  begin(path: string, body: ChatRequestBody): { request: RecordedRequest; fault: Fault | null } {
    const fault = this.#takeFault(body);
    const request: RecordedRequest = {
      ordinal: this.#nextOrdinal++,
      path,
      body,
      fault: fault?.kind ?? null,
      receivedAtMs: Date.now(),
      headersSentAtMs: null,
      chunksSent: 0,
      finishedAtMs: null,
      closedEarlyAtMs: null,
    };
    if (this.#requests.length >= MAX_RECORDED_REQUESTS) this.#requests.shift();
    this.#requests.push(request);
    this.#running += 1;
    this.#mostParallel = Math.max(this.#mostParallel, this.#running);
    this.#changed();
    return { request, fault };
  }

  end(request: RecordedRequest, end: 'finished' | 'closed-early'): void {
    if (end === 'finished') request.finishedAtMs = Date.now();
    else request.closedEarlyAtMs = Date.now();
    this.#running -= 1;
    this.#changed();
  }

  headersSent(request: RecordedRequest): void {
    request.headersSentAtMs ??= Date.now();
    this.#changed();
  }

  chunkSent(request: RecordedRequest): void {
    request.chunksSent += 1;
    this.#changed();
  }

  modelLoaded(): void {
    this.#loads += 1;
    this.#changed();
  }

  /** Resolves at the next release, or when the client closes. */
  async hold(closed: AbortSignal): Promise<void> {
    if (closed.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.add(resolve);
    closed.addEventListener('abort', () => resolve(), { once: true });
    this.#changed();
    await promise;
    this.#held.delete(resolve);
  }

  #takeFault(body: ChatRequestBody): Fault | null {
    const text = JSON.stringify(body.messages) + body.prompt;
    const next = this.#faults.find((each) => each.left > 0 && text.includes(each.ifMessagesContain ?? ''));
    if (next === undefined) return null;
    next.left -= 1;
    this.#faults = this.#faults.filter((each) => each.left > 0);
    return next.fault;
  }

  #changed(): void {
    const waiting = [...this.#changes];
    this.#changes.clear();
    for (const resolve of waiting) resolve();
  }
}
