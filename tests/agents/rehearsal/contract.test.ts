import { afterAll, beforeAll, expect, test } from 'vitest';
import { RehearsalServer } from '../../../agents/rehearsal/rehearsal-server.ts';
import { recording } from '../model/replay-server.ts';
import { shapeOf } from './json-shape.ts';

const MODEL = 'rehearsal';
const MESSAGES = [{ role: 'user', content: 'Once upon a time' }];

let server: RehearsalServer;
beforeAll(async () => {
  server = await RehearsalServer.start({ pace: { chunkDelayMs: 0, loadMs: 0 }, pullable: ['tinystories-656k'] });
});
afterAll(() => server.close());

type Answer = { status: number; contentType: string | null; body: string };

async function get(path: string): Promise<Answer> {
  const response = await fetch(server.url + path);
  return { status: response.status, contentType: response.headers.get('content-type'), body: await response.text() };
}

async function post(path: string, body: object | string): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(server.url + path, { method: 'POST', body: text });
  return { status: response.status, contentType: response.headers.get('content-type'), body: await response.text() };
}

function recorded(name: string): Answer {
  const { head, body } = recording(name);
  return {
    status: Number(head.split(' ')[1]),
    contentType: /content-type: (.*)\r\n/i.exec(head)?.[1] ?? null,
    body: body.toString('utf8'),
  };
}

function linesOf(answer: Answer): unknown[] {
  return answer.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** The first and the last line stand for a stream: all between are like the first. */
function expectSameStream(answer: Answer, model: Answer): void {
  expect(answer).toMatchObject({ status: model.status, contentType: model.contentType });
  const [ours, theirs] = [linesOf(answer), linesOf(model)];
  for (const line of ours.slice(0, -1)) expect(shapeOf(line)).toEqual(shapeOf(theirs[0]));
  expect(shapeOf(ours.at(-1))).toEqual(shapeOf(theirs.at(-1)));
  expect(Object.keys(Object(ours.at(-1)))).toEqual(Object.keys(Object(theirs.at(-1))));
}

test.each([
  ['root', () => get('/')],
  ['notfound', () => get('/api/nothing')],
  ['chat-bad-json', () => post('/api/chat', '{"model":')],
  ['chat-empty', () => post('/api/chat', {})],
])('%s is answered byte for byte', async (name, ask) => {
  expect(await ask()).toEqual(recorded(name));
});

test.each([
  ['version', () => get('/api/version')],
  ['tags', () => get('/api/tags')],
  ['chat-nostream', () => post('/api/chat', { model: MODEL, messages: MESSAGES, stream: false })],
  ['generate-load', () => post('/api/generate', { model: MODEL })],
  ['ps', () => get('/api/ps')],
  ['generate-unload', () => post('/api/generate', { model: MODEL, keep_alive: 0 })],
  ['chat-missing-model', () => post('/api/chat', { model: 'nope', messages: MESSAGES })],
  ['show-missing', () => post('/api/show', { model: 'nope' })],
  ['chat-think-unsupported', () => post('/api/chat', { model: MODEL, messages: MESSAGES, think: true })],
  ['chat-tools-unsupported', () => post('/api/chat', { model: MODEL, messages: MESSAGES, tools: [{}] })],
])('%s has the recorded status, type and shape', async (name, ask) => {
  const [answer, model] = [await ask(), recorded(name)];
  expect(answer).toMatchObject({ status: model.status, contentType: model.contentType });
  expect(shapeOf(JSON.parse(answer.body))).toEqual(shapeOf(JSON.parse(model.body)));
});

test('show has the recorded shape, what is in a model apart', async () => {
  const parse = (answer: Answer) => ({ ...JSON.parse(answer.body), model_info: {}, tensors: [] });
  expect(shapeOf(parse(await post('/api/show', { model: MODEL })))).toEqual(shapeOf(parse(recorded('show'))));
});

test('chat and generate stream lines of the recorded shape', async () => {
  expectSameStream(await post('/api/chat', { model: MODEL, messages: MESSAGES }), recorded('chat-stream'));
  expectSameStream(await post('/api/generate', { model: MODEL, prompt: 'Once' }), recorded('generate-stream'));
});

test('a role that nobody knows is answered, as it was', async () => {
  const answer = await post('/api/chat', { model: MODEL, messages: [{ role: 'narrator', content: 'Once' }] });
  expectSameStream(answer, recorded('chat-wrong-role'));
});

test('a pull has the lines of the page, for a known name and an unknown one', async () => {
  for (const [name, fixture] of [
    ['tinystories-656k', 'made-by-hand/pull'],
    ['nope', 'made-by-hand/pull-unknown'],
  ] as const) {
    const [ours, theirs] = [linesOf(await post('/api/pull', { model: name })), linesOf(recorded(fixture))];
    const kinds = (lines: unknown[]) => [...new Set(lines.map((line) => JSON.stringify(shapeOf(line))))];
    expect(kinds(ours)).toEqual(kinds(theirs));
    expect(ours.at(-1)).toEqual(theirs.at(-1));
  }
  expect((await get('/api/tags')).body).toContain('tinystories-656k:latest');
});

test('num_predict cuts the answer, and the last line says so', async () => {
  const answer = await post('/api/chat', { model: MODEL, messages: MESSAGES, options: { num_predict: 3 } });
  expect(linesOf(answer).at(-1)).toMatchObject({ done: true, done_reason: 'length', eval_count: 3 });
  expect(linesOf(answer)).toHaveLength(4);
});

test('a format that has no value is refused before the stream', async () => {
  const format = { type: 'string', pattern: '(?=impossible)x' };
  const answer = await post('/api/chat', { model: MODEL, messages: MESSAGES, format });
  expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('format') });
});
