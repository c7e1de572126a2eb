import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { type ChatEvent, type ChatPhase, type ClientLimits, ModelClient } from '../../../agents/model/model-client.ts';
import { ModelError } from '../../../agents/model/model-error.ts';
import { CONTEXT_TOKENS } from '../../../agents/model/runner-options.ts';
import { RehearsalControl } from '../../../agents/rehearsal/rehearsal-control.ts';
import { RehearsalServer } from '../../../agents/rehearsal/rehearsal-server.ts';
import { listen, recording, replay } from './replay-server.ts';

const QUESTION = { model: 'tinystories-656k', messages: [{ role: 'user', content: 'Once' }] } as const;
const BOUND_MS = 5_000;

function clientOf(host: string, limits?: Partial<ClientLimits>): ModelClient {
  return new ModelClient({ host, ...(limits ? { limits } : {}) });
}

/** The events up to the end, and the error that ended them. */
async function drain(events: AsyncIterable<ChatEvent>): Promise<{ events: ChatEvent[]; error: ModelError | null }> {
  const seen: ChatEvent[] = [];
  try {
    for await (const event of events) seen.push(event);
    return { events: seen, error: null };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { events: seen, error };
  }
}

function textOf(events: readonly ChatEvent[]): string {
  return events.map((event) => (event.kind === 'text' ? event.text : '')).join('');
}

function recordedText(name: string): string {
  const lines = recording(name).body.toString().trim().split('\n');
  return lines.map((line) => JSON.parse(line).message?.content ?? '').join('');
}

async function failureOf(work: Promise<unknown>): Promise<ModelError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ModelError) return error;
  throw new Error(`expected a ModelError, got ${String(error)}`);
}

test.each([1, 7, 100, 100_000])('a recorded stream is read whole when cut every %i bytes', async (cutBytes) => {
  await using server = await replay('chat-stream', { cutBytes });
  const { events, error } = await drain(clientOf(server.host).chat(QUESTION));
  expect(error).toBeNull();
  expect(textOf(events)).toBe(recordedText('chat-stream'));
  expect(events.at(-1)).toEqual({
    kind: 'done',
    reason: 'length',
    metrics: {
      promptTokens: 6,
      outputTokens: 24,
      loadMs: 313.876917,
      promptMs: 2.02943,
      outputMs: 22.800783,
      totalMs: 341.055721,
    },
  });
});

test('an answer that was not streamed reads the same', async () => {
  await using server = await replay('chat-nostream');
  const { events } = await drain(clientOf(server.host).chat(QUESTION));
  expect(events.map((event) => event.kind)).toEqual(['text', 'done']);
  expect(textOf(events)).toBe(recordedText('chat-nostream'));
});

test('every request carries the same runner options, and think false unless it was asked for', async () => {
  await using server = await replay('chat-wrong-role');
  const client = clientOf(server.host);
  await drain(client.chat({ ...QUESTION, options: { temperature: 0 } }));
  await drain(client.chat({ ...QUESTION, think: true, format: { type: 'object' } }));
  await client.preload('tinystories-656k').catch(() => undefined);
  const bodies = server.requests.map((request) => JSON.parse(request.slice(request.indexOf('\r\n\r\n'))));
  expect(bodies.map((body) => body.options.num_ctx)).toEqual([CONTEXT_TOKENS, CONTEXT_TOKENS, CONTEXT_TOKENS]);
  expect(bodies.map((body) => body.think)).toEqual([false, true, false]);
  expect(bodies[0].options.temperature).toBe(0);
  expect(bodies[1].format).toEqual({ type: 'object' });
  expect(bodies[2].messages).toEqual([]);
});

test.each([
  ['chat-missing-model', 'model-missing', 404, "model 'nope' not found"],
  ['chat-think-unsupported', 'unsupported', 400, '"tinystories-656k" does not support thinking'],
  ['chat-tools-unsupported', 'unsupported', 400, 'does not support tools'],
  ['chat-empty', 'bad-request', 400, 'model is required'],
  ['chat-bad-json', 'bad-request', 400, 'unexpected EOF'],
  ['generate-runner-crash', 'runner-crashed', 500, 'model runner has unexpectedly stopped'],
  ['notfound', 'unsupported', 404, '404 page not found'],
  ['show-missing', 'model-missing', 404, "model 'nope' not found"],
  ['made-by-hand/chat-busy', 'busy', 503, 'server busy'],
])('the refusal %s is %s', async (name, code, status, message) => {
  await using server = await replay(name);
  const { events, error } = await drain(clientOf(server.host).chat(QUESTION));
  expect(events).toEqual([]);
  expect(error).toMatchObject({ code, status, message: expect.stringContaining(message) });
});

test.each([
  'generate-stream',
  'generate-load',
  'generate-unload',
  'v1-chat-stream',
  'embed-unsupported',
  'root',
  'show',
])('the recorded answer %s to another question does not pass for a chat', async (name) => {
  await using server = await replay(name);
  const { events, error } = await drain(clientOf(server.host).chat(QUESTION));
  expect(events).toEqual([]);
  expect(error?.code).toBe('interrupted');
});

test('thinking is told apart from text, letters cut in two are joined', async () => {
  await using server = await replay('made-by-hand/chat-thinking', { cutBytes: 1 });
  const phases: ChatPhase[] = [];
  const { events } = await drain(clientOf(server.host).chat(QUESTION, { onPhase: (phase) => phases.push(phase) }));
  expect(events.map((event) => event.kind)).toEqual(['thinking', 'thinking', 'text', 'text', 'done']);
  expect(textOf(events)).toBe('Yes, naïve café ☕.');
  expect(phases.slice(-2)).toEqual(['thinking', 'writing']);
});

test.each([
  ['made-by-hand/chat-error-mid-stream', 'unexpected EOF'],
  ['made-by-hand/chat-no-done', 'ended before it was finished'],
])('%s keeps the text so far and ends as interrupted', async (name, message) => {
  await using server = await replay(name);
  const { events, error } = await drain(clientOf(server.host).chat(QUESTION));
  expect(textOf(events)).toBe('So far ');
  expect(error).toMatchObject({ code: 'interrupted', message: expect.stringContaining(message) });
});

test('a connection that breaks in the middle is interrupted, one that breaks before the answer is unreachable', async () => {
  const { head, body } = recording('chat-stream');
  const firstLine = body.subarray(0, body.indexOf('\n') + 1).toString();
  await using broken = await listen((socket) => {
    socket.write(head, 'latin1');
    socket.write(`${firstLine.length.toString(16)}\r\n${firstLine}\r\n`, () => socket.resetAndDestroy());
  });
  const middle = await drain(clientOf(broken.host).chat(QUESTION));
  expect(middle.error?.code).toBe('interrupted');

  await using silent = await listen((socket) => socket.destroy());
  expect((await drain(clientOf(silent.host).chat(QUESTION))).error?.code).toBe('unreachable');
});

test('a port where nobody listens is unreachable, and the message names it', async () => {
  const server = await replay('version');
  await server[Symbol.asyncDispose]();
  const error = await failureOf(clientOf(server.host).version());
  expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining('ECONNREFUSED') });
});

test('version, models and loaded models are read', async () => {
  await using version = await replay('version');
  expect(await clientOf(version.host).version()).toBe('0.24.0');

  await using tags = await replay('tags');
  expect(await clientOf(tags.host).models()).toEqual([
    {
      name: 'tinystories-656k:latest',
      sizeBytes: 1_364_009,
      modifiedAt: '2026-11-22T11:03:58.45923205Z',
      family: 'llama',
    },
  ]);

  await using ps = await replay('ps');
  expect(await clientOf(ps.host).loaded()).toEqual([
    { name: 'tinystories-656k:latest', vramBytes: 0, contextTokens: 512 },
  ]);
});

test('models that run elsewhere are hidden', async () => {
  await using tags = await replay('made-by-hand/tags-with-remote');
  expect((await clientOf(tags.host).models()).map((model) => model.name)).toEqual(['llama3.2:1b']);
});

test('something else at the address does not pass for Ollama', async () => {
  await using root = await replay('root');
  expect((await failureOf(clientOf(root.host).models())).code).toBe('unreachable');
  await using show = await replay('show');
  expect((await failureOf(clientOf(show.host).version())).code).toBe('unreachable');
});

test('a pull tells its progress and ends with success', async () => {
  await using server = await replay('made-by-hand/pull');
  const progress = [];
  for await (const step of clientOf(server.host).pull('tinystories-656k')) progress.push(step);
  expect(progress.map((step) => step.completedBytes)).toEqual([0, 0, 700_000, 1_364_009, 0, 0, 0]);
  expect(progress.at(-1)?.status).toBe('success');
});

test('a pull of an unknown name fails after its 200 as model-missing', async () => {
  await using server = await replay('made-by-hand/pull-unknown');
  const statuses: string[] = [];
  const pulling = (async () => {
    for await (const step of clientOf(server.host).pull('nope')) statuses.push(step.status);
  })();
  expect((await failureOf(pulling)).code).toBe('model-missing');
  expect(statuses).toEqual(['pulling manifest']);
});

/** Accepts, reads and never answers. */
async function muteServer() {
  const connected = Promise.withResolvers<Socket>();
  const server = createTcpServer((socket) => {
    socket.resume();
    socket.on('error', () => socket.destroy());
    connected.resolve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // reason: a TCP server that listens has an address of this form.
  const { port } = server.address() as AddressInfo;
  return { host: `http://127.0.0.1:${port}`, connected: connected.promise, close: () => server.close() };
}

test('an abort before the headers closes the connection within half a second', async () => {
  const server = await muteServer();
  const stop = new AbortController();
  const chat = drain(clientOf(server.host).chat(QUESTION, { signal: stop.signal }));
  const socket = await server.connected;
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(BOUND_MS) });
  const startedMs = performance.now();
  stop.abort();
  await closed;
  expect(performance.now() - startedMs).toBeLessThan(500);
  expect((await chat).error?.code).toBe('aborted');
  server.close();
});

test('a signal that is already aborted sends nothing', async () => {
  await using server = await replay('chat-stream');
  const { error } = await drain(clientOf(server.host).chat(QUESTION, { signal: AbortSignal.abort() }));
  expect(error?.code).toBe('aborted');
  expect(server.requests).toEqual([]);
});

test('headers that do not come are a timeout, and close the connection', async () => {
  const server = await muteServer();
  const client = clientOf(server.host, { answer: { headersTimeoutMs: 300, idleTimeoutMs: BOUND_MS } });
  const [{ error }, socket] = await Promise.all([drain(client.chat(QUESTION)), server.connected]);
  expect(error?.code).toBe('timeout');
  if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(BOUND_MS) });
  server.close();
});

test('a stream that falls silent is a timeout and keeps its text', async () => {
  const { head, body } = recording('chat-stream');
  const firstLine = body.subarray(0, body.indexOf('\n') + 1).toString();
  await using server = await listen((socket) => {
    socket.write(head, 'latin1');
    socket.write(`${firstLine.length.toString(16)}\r\n${firstLine}\r\n`);
  });
  const client = clientOf(server.host, { answer: { headersTimeoutMs: BOUND_MS, idleTimeoutMs: 300 } });
  const { events, error } = await drain(client.chat(QUESTION));
  expect(textOf(events)).toBe(', a ');
  expect(error?.code).toBe('timeout');
});

test('leaving the loop and aborting in the middle both close the connection', async () => {
  const control = new RehearsalControl();
  const server = await RehearsalServer.start({ control, pace: { chunkDelayMs: 5, loadMs: 0 } });
  const question = { model: 'rehearsal', messages: [{ role: 'user', content: 'How are you?' }] } as const;
  const bound = () => AbortSignal.timeout(BOUND_MS);

  for await (const event of clientOf(server.url).chat(question)) if (event.kind === 'text') break;
  await control.until(({ requests }) => typeof requests[0]?.closedEarlyAtMs === 'number', bound());

  const stop = new AbortController();
  const { events, error } = await drain(
    (async function* () {
      for await (const event of clientOf(server.url).chat(question, { signal: stop.signal })) {
        yield event;
        stop.abort();
      }
    })(),
  );
  expect(error?.code).toBe('aborted');
  expect(events.length).toBeGreaterThan(0);
  await control.until(({ requests }) => typeof requests[1]?.closedEarlyAtMs === 'number', bound());
  await server.close();
});

test('phases go from loading to writing at first, and from reading afterwards', async () => {
  const server = await RehearsalServer.start({ pace: { chunkDelayMs: 0, loadMs: 1 } });
  const client = clientOf(server.url);
  const question = { model: 'rehearsal', messages: [{ role: 'user', content: 'Hello' }] } as const;
  const phasesOf = async () => {
    const phases: ChatPhase[] = [];
    await drain(client.chat(question, { onPhase: (phase) => phases.push(phase) }));
    return phases;
  };
  expect(await phasesOf()).toEqual(['waiting', 'loading', 'writing']);
  expect(await phasesOf()).toEqual(['waiting', 'reading', 'writing']);
  await server.close();
});

test('preload loads the model once for all that follows', async () => {
  const control = new RehearsalControl();
  const server = await RehearsalServer.start({ control, pace: { chunkDelayMs: 0, loadMs: 0 } });
  const client = clientOf(server.url);
  await client.preload('rehearsal');
  expect((await client.loaded()).map((model) => model.contextTokens)).toEqual([CONTEXT_TOKENS]);
  await drain(client.chat({ model: 'rehearsal', messages: [{ role: 'user', content: 'Hello' }] }));
  expect(control.loads).toBe(1);
  await server.close();
});
