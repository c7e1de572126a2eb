import { expect, test } from 'vitest';
import { Api } from '../../client/sync/api.ts';

const SESSION = '01JAAAAAAAAAAAAAAAAAAAAAAA';
const page = { session_id: SESSION, segment: 2, entries: [], is_sealed: true };
const input = { params: { id: SESSION, n: '2' } };

test('what changes is asked for with its state, and told with its new one', async () => {
  const asked: { url: string; headers: Headers }[] = [];
  const api = new Api(async (url, init) => {
    asked.push({ url: String(url), headers: new Headers(init?.headers) });
    return asked.length === 1 ? Response.json(page, { headers: { etag: '"b"' } }) : new Response(null, { status: 304 });
  });
  expect(await api.callIfChanged('segment', input, '"a"')).toEqual({
    ok: true,
    value: { response: page, etag: '"b"' },
  });
  expect(await api.callIfChanged('segment', input, '"b"')).toEqual({ ok: true, value: null });
  expect(asked.map(({ headers }) => headers.get('if-none-match'))).toEqual(['"a"', '"b"']);
  expect(asked[0]?.url).toBe(`/api/v1/chat/sessions/${SESSION}/segments/2`);
});

test('a refusal, an answer of another version and no answer at all are values', async () => {
  const answers: (() => Promise<Response>)[] = [
    async () => Response.json({ error: { code: 'not_found', message: 'No such segment.' } }, { status: 404 }),
    async () => Response.json({ other: 'form' }),
    () => Promise.reject(new TypeError('no network')),
  ];
  const api = new Api(() => answers.shift()?.() ?? Promise.reject(new Error('asked too often')));
  const codes: string[] = [];
  for (let left = answers.length; left > 0; left--) {
    const answer = await api.callIfChanged('segment', input, null);
    codes.push(answer.ok ? 'ok' : answer.error.code);
  }
  expect(codes).toEqual(['not_found', 'version', 'offline']);
});
