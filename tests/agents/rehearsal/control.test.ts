import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { type ChatEvent, ModelClient } from '../../../agents/model/model-client.ts';
import { ModelError } from '../../../agents/model/model-error.ts';
import { type Fault, RehearsalControl } from '../../../agents/rehearsal/rehearsal-control.ts';
import { RehearsalServer } from '../../../agents/rehearsal/rehearsal-server.ts';

const BOUND_MS = 5_000;

async function stage() {
  const control = new RehearsalControl();
  const server = await RehearsalServer.start({ control, pace: { chunkDelayMs: 0, loadMs: 0 } });
  onTestFinished(() => server.close());
  const client = new ModelClient({ host: server.url });
  /** The text that came, and the code of the error that ended it. */
  const ask = async (content: string, signal?: AbortSignal) => {
    const events: ChatEvent[] = [];
    const request = { model: 'rehearsal', messages: [{ role: 'user', content }] } as const;
    try {
      for await (const event of client.chat(request, signal ? { signal } : {})) events.push(event);
      return { events, code: null };
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return { events, code: error.code };
    }
  };
  const until = (condition: () => boolean) => control.until(condition, AbortSignal.timeout(BOUND_MS));
  return { control, server, client, ask, until };
}

test.each<[Fault, string, number]>([
  [{ kind: 'busy' }, 'busy', 0],
  [{ kind: 'runner-crash' }, 'runner-crashed', 0],
  [{ kind: 'missing-model' }, 'model-missing', 0],
  [{ kind: 'fail-mid-stream', afterChunks: 3 }, 'interrupted', 3],
  [{ kind: 'end-without-done', afterChunks: 2 }, 'interrupted', 2],
  [{ kind: 'end-without-done', afterChunks: 0 }, 'interrupted', 0],
])('%j strikes once and the next request goes well', async (fault, code, chunks) => {
  const { control, ask } = await stage();
  control.script({ fault });
  const struck = await ask('Hello');
  expect(struck.code).toBe(code);
  expect(struck.events).toHaveLength(chunks);
  expect((await ask('Hello')).code).toBeNull();
  expect(control.requests.map((request) => request.fault)).toEqual([fault.kind, null]);
});

test('held headers come after the release', async () => {
  const { control, ask, until } = await stage();
  control.script({ fault: { kind: 'hold-headers' } });
  const answer = ask('Hello');
  await until(() => control.held === 1);
  expect(control.requests[0]).toMatchObject({ headersSentAtMs: null, finishedAtMs: null });
  control.release();
  expect((await answer).code).toBeNull();
  expect(control.requests[0]?.headersSentAtMs).toEqual(expect.any(Number));
});

test('an abort while the headers are held closes the connection, and the record says so', async () => {
  const { control, ask, until } = await stage();
  control.script({ fault: { kind: 'hold-headers' } });
  const stop = new AbortController();
  const answer = ask('Hello', stop.signal);
  await until(() => control.held === 1);
  stop.abort();
  expect((await answer).code).toBe('aborted');
  await until(() => control.requests[0]?.closedEarlyAtMs !== null && control.held === 0);
  expect(control.running).toBe(0);
});

test('a fault can be meant for one prompt among several', async () => {
  const { control, ask } = await stage();
  control.script({ fault: { kind: 'busy' }, ifMessagesContain: 'Quant' });
  const [oracle, quant] = await Promise.all([ask('You, Oracle?'), ask('You, Quant?')]);
  expect([oracle.code, quant.code]).toEqual([null, 'busy']);
});

test('requests are recorded with their messages, and those in parallel counted', async () => {
  const { control, ask, until } = await stage();
  control.script({ fault: { kind: 'hold-headers' }, times: 3 });
  const answers = ['a', 'b', 'c'].map((content) => ask(content));
  await until(() => control.held === 3);
  control.release();
  await Promise.all(answers);
  await ask('d');
  expect(control.mostParallel).toBe(3);
  const contents = control.requests.map((request) => request.body.messages[0]?.content);
  expect(new Set(contents)).toEqual(new Set(['a', 'b', 'c', 'd']));
  expect(control.requests.every((request) => request.finishedAtMs !== null)).toBe(true);
  control.reset();
  expect(control.requests).toEqual([]);
});

test('slow is slow by the asked delay and still comes to its end', async () => {
  const { control, ask } = await stage();
  control.script({ fault: { kind: 'slow', chunkDelayMs: 2 } });
  const { events, code } = await ask('Hello');
  const [request] = control.requests;
  expect(code).toBeNull();
  expect((request?.finishedAtMs ?? 0) - (request?.receivedAtMs ?? 0)).toBeGreaterThanOrEqual(events.length);
});

test('an answer with a format is one JSON value that is valid for it', async () => {
  const { client } = await stage();
  const vote = z.strictObject({ choice: z.enum(['A', 'B']), confidence: z.number().min(0).max(1), line: z.string() });
  const messages = [{ role: 'user', content: 'Vote.' }] as const;
  let text = '';
  for await (const event of client.chat({ model: 'rehearsal', messages, format: z.toJSONSchema(vote) })) {
    if (event.kind === 'text') text += event.text;
  }
  expect(() => vote.parse(JSON.parse(text))).not.toThrow();
});

test('a change of the context length loads the model again', async () => {
  const { control, server, ask } = await stage();
  await ask('one');
  await ask('two');
  expect(control.loads).toBe(1);
  const body = { model: 'rehearsal', messages: [{ role: 'user', content: 'x' }], options: { num_ctx: 512 } };
  await fetch(`${server.url}/api/chat`, { method: 'POST', body: JSON.stringify(body) }).then((answer) => answer.text());
  expect(control.loads).toBe(2);
});
