import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { type Call, chunkLine, type Durations, lastLine, loadAnswer } from './answers.ts';
import type { ModelsOnDisk, StoredModel } from './models-on-disk.ts';
import { readPrompt } from './prompt-reading.ts';
import { Refusal } from './refusal.ts';
import type { Fault, RecordedRequest, RehearsalControl } from './rehearsal-control.ts';
import type { ChatRequestBody, PromptMessage } from './request-body.ts';
import { schemaValue, UnusableSchema } from './schema-value.ts';
import { REHEARSAL_LABEL, scriptedAnswer, wordChunks } from './script.ts';
import { sendJson } from './send.ts';

/** The usual rule of thumb for English text. */
const CHARS_PER_TOKEN = 4;

export type Pace = {
  readonly chunkDelayMs: number;
  /** How long the model pretends to load, before its first answer and after a change of context length. */
  readonly loadMs: number;
};

export type Stage = {
  readonly models: ModelsOnDisk;
  readonly pace: Pace;
  readonly control: RehearsalControl | null;
};

/**
 * Answers one chat or generate: refusals first, then load, then headers with the first chunk, as a real server does.
 * Throws a Refusal only before the headers; returns when the answer is sent or the client has closed.
 */
export async function perform(
  stage: Stage,
  call: Call,
  body: ChatRequestBody,
  response: ServerResponse,
): Promise<void> {
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  const record = stage.control?.begin(`/api/${call}`, body) ?? null;
  try {
    await performRecorded(stage, call, body, response, closed.signal, record);
  } catch (error) {
    if (!closed.signal.aborted) throw error;
  } finally {
    const isEarly = closed.signal.aborted && !response.writableEnded;
    if (record) stage.control?.end(record.request, isEarly ? 'closed-early' : 'finished');
  }
}

type Recorded = { request: RecordedRequest; fault: Fault | null };

async function performRecorded(
  stage: Stage,
  call: Call,
  body: ChatRequestBody,
  response: ServerResponse,
  closed: AbortSignal,
  record: Recorded | null,
): Promise<void> {
  const startedNs = process.hrtime.bigint();
  const fault = record?.fault ?? null;
  const model = admit(stage, body, fault);
  if (fault?.kind === 'hold-headers') await stage.control?.hold(closed);
  closed.throwIfAborted();

  const isUnload = body.keep_alive === 0 || body.keep_alive === '0';
  const prompt = promptOf(call, body);
  if (prompt.length === 0 && isUnload) {
    stage.models.unload(model);
    return sendJson(response, 200, loadAnswer(call, body.model, new Date(), 'unload'));
  }
  const { loadNs, contextTokens } = await load(stage, model, body, closed);
  if (prompt.length === 0) return sendJson(response, 200, loadAnswer(call, body.model, new Date(), 'load'));

  const script = scriptFor(body, prompt);
  const speech = new Speech({ stage, call, body, response, closed, record, script });
  await speech.give({ startedNs, loadNs, promptTokens: Math.min(countTokens(prompt), contextTokens) });
}

/** Refuses what a real server refuses, or what the test has scripted; answers the model that is to speak. */
function admit(stage: Stage, body: ChatRequestBody, fault: Fault | null): StoredModel {
  if (body.model === '') throw Refusal.modelRequired();
  const model = stage.models.find(body.model);
  if (model === null || fault?.kind === 'missing-model') throw Refusal.missingModel(body.model);
  if (fault?.kind === 'busy') throw Refusal.busy();
  if (fault?.kind === 'runner-crash') throw Refusal.runnerCrash();
  if (body.think) throw Refusal.noThinking(body.model);
  if (body.tools && body.tools.length > 0) throw Refusal.noTools(model.name);
  return model;
}

function promptOf(call: Call, body: ChatRequestBody): PromptMessage[] {
  if (call === 'chat') return body.messages;
  if (body.prompt === '') return [];
  const system = body.system === '' ? [] : [{ role: 'system', content: body.system }];
  return [...system, { role: 'user', content: body.prompt }];
}

async function load(stage: Stage, model: StoredModel, body: ChatRequestBody, closed: AbortSignal) {
  const startedNs = process.hrtime.bigint();
  const wanted = typeof body.options?.num_ctx === 'number' ? body.options.num_ctx : null;
  const { hadToLoad, contextTokens } = stage.models.use(model, wanted, Date.now());
  if (hadToLoad) {
    stage.control?.modelLoaded();
    await pause(stage.pace.loadMs, closed);
  }
  return { loadNs: Number(process.hrtime.bigint() - startedNs), contextTokens };
}

function scriptFor(body: ChatRequestBody, prompt: readonly PromptMessage[]): string {
  if (!body.format) return scriptedAnswer(prompt);
  const { seat, question } = readPrompt(prompt);
  const sentence = `${REHEARSAL_LABEL} ${seat ?? 'the script'} on “${question}”`;
  if (typeof body.format === 'string') return JSON.stringify({ rehearsal: sentence });
  try {
    return JSON.stringify(schemaValue(body.format, sentence));
  } catch (error) {
    if (error instanceof UnusableSchema) throw Refusal.badFormat(error.message);
    throw error;
  }
}

function countTokens(prompt: readonly PromptMessage[]): number {
  const chars = prompt.reduce((sum, message) => sum + message.content.length, 0);
  return Math.max(1, Math.ceil(chars / CHARS_PER_TOKEN));
}

type Part = {
  readonly stage: Stage;
  readonly call: Call;
  readonly body: ChatRequestBody;
  readonly response: ServerResponse;
  readonly closed: AbortSignal;
  readonly record: Recorded | null;
  readonly script: string;
};

type Opening = { readonly startedNs: bigint; readonly loadNs: number; readonly promptTokens: number };

/** The speaking itself, from the first chunk to the last line or to the scripted accident. */
class Speech {
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  async give(opening: Opening): Promise<void> {
    const { body, call, response, script } = this.#part;
    const all = wordChunks(script);
    const { num_predict: limit } = body.options ?? {};
    const chunks = typeof limit === 'number' && limit >= 0 ? all.slice(0, limit) : all;
    const reason = chunks.length < all.length ? 'length' : 'stop';

    const promptNs = Number(process.hrtime.bigint() - opening.startedNs) - opening.loadNs;
    const evalStartedNs = process.hrtime.bigint();
    const end = () => {
      const nowNs = process.hrtime.bigint();
      const durations: Durations = {
        totalNs: Number(nowNs - opening.startedNs),
        loadNs: opening.loadNs,
        promptNs,
        evalNs: Number(nowNs - evalStartedNs),
      };
      return { reason, promptTokens: opening.promptTokens, outputTokens: chunks.length, durations } as const;
    };

    if (!body.stream) {
      await pause(this.#chunkDelayMs() * chunks.length, this.#part.closed);
      this.#headersSent();
      return sendJson(response, 200, lastLine(call, body.model, chunks.join(''), new Date(), end()));
    }
    if (await this.#streamChunks(chunks)) this.#end(lastLine(call, body.model, '', new Date(), end()));
  }

  /** Answers whether the stream goes on to its last line. */
  async #streamChunks(chunks: readonly string[]): Promise<boolean> {
    const { response, body, call, record } = this.#part;
    const fault = record?.fault;
    const accident = fault?.kind === 'fail-mid-stream' || fault?.kind === 'end-without-done' ? fault : null;
    const until = Math.min(chunks.length, accident?.afterChunks ?? chunks.length);

    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    for (const chunk of chunks.slice(0, until)) {
      await pause(this.#chunkDelayMs(), this.#part.closed);
      await writeLine(response, chunkLine(call, body.model, chunk, new Date()), this.#part.closed);
      this.#headersSent();
      if (record) this.#part.stage.control?.chunkSent(record.request);
    }
    if (accident === null) return true;
    if (accident.kind === 'fail-mid-stream') this.#end({ error: accident.message ?? 'an error was scripted' });
    else this.#end(null);
    return false;
  }

  #end(line: object | null): void {
    this.#headersSent();
    this.#part.response.end(line === null ? undefined : `${JSON.stringify(line)}\n`);
  }

  #headersSent(): void {
    if (this.#part.record) this.#part.stage.control?.headersSent(this.#part.record.request);
  }

  #chunkDelayMs(): number {
    const fault = this.#part.record?.fault;
    return fault?.kind === 'slow' ? fault.chunkDelayMs : this.#part.stage.pace.chunkDelayMs;
  }
}

/** Rejects when the client closes. Without a delay it still lets the event loop see that. */
async function pause(ms: number, closed: AbortSignal): Promise<void> {
  await (ms > 0 ? delay(ms, undefined, { signal: closed }) : nextTurn(undefined, { signal: closed }));
}

async function writeLine(response: ServerResponse, line: object, closed: AbortSignal): Promise<void> {
  if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, 'drain', { signal: closed });
}
