import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { psAnswer, pullLines, REHEARSED_VERSION, showAnswer, tagsAnswer } from './answers.ts';
import { ModelsOnDisk, REHEARSAL_MODEL } from './models-on-disk.ts';
import { type Pace, perform, type Stage } from './perform.ts';
import { Refusal } from './refusal.ts';
import type { RehearsalControl } from './rehearsal-control.ts';
import { chatRequestBody, modelRequestBody } from './request-body.ts';
import { sendJson, sendRefusal, sendText } from './send.ts';

const DEFAULT_CHUNK_DELAY_MS = 25;
const DEFAULT_LOAD_MS = 600;
const MAX_BODY_BYTES = 32 * 1024 * 1024;

export type RehearsalOptions = {
  /** 0 (the default) takes a free port. */
  readonly port?: number;
  readonly pace?: Partial<Pace>;
  /** Names it has from the start; by default the rehearsal model alone. */
  readonly models?: readonly string[];
  /** Names that a pull finds. */
  readonly pullable?: readonly string[];
  /** For tests; without it nothing is recorded. */
  readonly control?: RehearsalControl;
  /** Told of an error that is nobody's fault but ours; the request is answered with 500. */
  readonly onError?: (error: unknown) => void;
};

/**
 * A server of ours, on loopback only, that speaks Ollama's API and answers from a script. It stands in where no Ollama
 * is installed, and in tests.
 */
export class RehearsalServer {
  readonly url: string;
  readonly #server: Server;
  readonly #models: ModelsOnDisk;

  private constructor(server: Server, url: string, models: ModelsOnDisk) {
    this.#server = server;
    this.url = url;
    this.#models = models;
  }

  /** Resolves when it answers; rejects where the port is taken. */
  static async start(options: RehearsalOptions = {}): Promise<RehearsalServer> {
    const models = new ModelsOnDisk(options.models ?? [REHEARSAL_MODEL]);
    const pace: Pace = { chunkDelayMs: DEFAULT_CHUNK_DELAY_MS, loadMs: DEFAULT_LOAD_MS, ...options.pace };
    const stage: Stage = { models, pace, control: options.control ?? null };
    const server = createServer((request, response) => {
      void respond({ stage, pullable: options.pullable ?? [] }, request, response).catch((error: unknown) => {
        if (error instanceof Refusal) return sendRefusal(response, error);
        options.onError?.(error);
        if (response.headersSent) response.destroy();
        else sendJson(response, 500, { error: 'the rehearsal server has a fault' });
      });
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
    await promise;
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the rehearsal server has no port');
    return new RehearsalServer(server, `http://127.0.0.1:${address.port}`, models);
  }

  install(model: string): void {
    this.#models.install(model);
  }

  remove(model: string): void {
    this.#models.remove(model);
  }

  /** Closes every connection. Idempotent. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }
}

type House = { readonly stage: Stage; readonly pullable: readonly string[] };

async function respond(house: House, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { models } = house.stage;
  const path = (request.url ?? '/').split('?')[0];
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  switch (`${method} ${path}`) {
    case 'GET /':
      return sendText(response, 200, 'text/plain; charset=utf-8', 'Ollama is running');
    case 'GET /api/version':
      return sendJson(response, 200, { version: REHEARSED_VERSION });
    case 'GET /api/tags':
      return sendJson(response, 200, tagsAnswer(models.all()));
    case 'GET /api/ps':
      return sendJson(response, 200, psAnswer(models.inMemory(Date.now())));
    case 'POST /api/show': {
      const body = await readBody(request, modelRequestBody);
      const model = models.find(body.model);
      if (model === null) throw Refusal.missingModel(body.model);
      return sendJson(response, 200, showAnswer(model));
    }
    case 'POST /api/pull':
      return pull(house, await readBody(request, modelRequestBody), response);
    case 'POST /api/chat':
      return perform(house.stage, 'chat', await readBody(request, chatRequestBody), response);
    case 'POST /api/generate':
      return perform(house.stage, 'generate', await readBody(request, chatRequestBody), response);
    default:
      return sendText(response, 404, 'text/plain', '404 page not found');
  }
}

async function pull(house: House, body: z.output<typeof modelRequestBody>, response: ServerResponse): Promise<void> {
  const { models, pace } = house.stage;
  const isKnown = models.find(body.model) !== null || house.pullable.includes(body.model);
  const closed = new AbortController();
  response.once('close', () => closed.abort());

  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  for (const line of pullLines(isKnown ? body.model : null)) {
    response.write(`${JSON.stringify(line)}\n`);
    try {
      await delay(pace.chunkDelayMs, undefined, { signal: closed.signal });
    } catch {
      // The client closed: that is how a pull is cancelled.
      return;
    }
  }
  if (isKnown) models.install(body.model);
  response.end();
}

async function readBody<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    // reason: a request without an encoding yields Buffers; Node types its iterator as any.
    const bytes = part as Buffer;
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw Refusal.tooLarge();
    parts.push(bytes);
  }
  try {
    return schema.parse(JSON.parse(Buffer.concat(parts).toString('utf8')));
  } catch {
    throw Refusal.badJson();
  }
}
