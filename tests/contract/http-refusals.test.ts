import { expect, test } from 'vitest';
import { MAX_BODY_BYTES, ROUTES, type Route } from '../../sync-server/protocol/api.ts';
import { ulid } from '../support/entries.ts';
import { OfficeCaller, refusalOf } from '../support/office-caller.ts';
import { openHeldOffice } from '../support/office-in-process.ts';
import { addMember, withApiKey } from '../support/office-people.ts';

const filled = (path: string): string => path.replace(/\{id\}|\{sid\}/g, ulid(1)).replace(/\{\w+\}/g, 'x');

test('[HT2] every route that is not for anyone refuses nobody with 401, and owner routes refuse members with 403', async () => {
  const { owner, url } = await openHeldOffice();
  const bob = await addMember(owner.caller, 'bob');
  const nobody = new OfficeCaller(() => url);
  const headers = { 'x-forwarded-for': '203.0.113.9' };
  for (const route of Object.values<Route>(ROUTES)) {
    if (route.access === 'anyone') continue;
    const path = filled(route.path);
    const parts = { headers, ...(route.body && { body: {} }) };
    expect([path, refusalOf(await nobody.request(route.method, path, parts))]).toEqual([path, '401 unauthenticated']);
    if (route.access !== 'owner') continue;
    expect([path, refusalOf(await bob.caller.request(route.method, path, parts))]).toEqual([path, '403 forbidden']);
  }
});

test('[HT4] what changes something is refused with a cookie from another page, or from none; a key needs no page', async () => {
  const { owner, url } = await openHeldOffice();
  const script = await withApiKey(owner.caller);
  const cookie = owner.caller.credentials.cookie ?? '';
  const bare = new OfficeCaller(() => url);
  const foreign: Record<string, string>[] = [
    { cookie },
    { cookie, origin: 'https://evil.example' },
    { cookie, origin: 'null' },
  ];
  for (const route of Object.values<Route>(ROUTES)) {
    if (route.method === 'GET') continue;
    const path = filled(route.path);
    for (const headers of foreign) {
      const answer = await bare.request(route.method, path, { headers, ...(route.body && { body: {} }) });
      expect([path, refusalOf(answer)]).toEqual([path, '403 forbidden']);
    }
  }
  await script.call('startChat', { body: { scope_type: 'general' } });
  expect((await owner.caller.call('sessions', {})).sessions).toHaveLength(1);
});

test('[HT2] bad input is 400 with a sentence: no JSON, wrong fields, wrong query, wrong id', async () => {
  const { caller } = (await openHeldOffice()).owner;
  const path = '/api/v1/chat/start';
  for (const body of ['', '{', 'null', '[]', '{"scope_type":"party"}', '{"scope_type":"general","session_id":"x"}']) {
    expect(refusalOf(await caller.request('POST', path, { body }))).toBe('400 bad_request');
  }
  for (const query of ['limit=0', 'limit=201', 'limit=x', 'category=nowhere', `q=${'x'.repeat(300)}`]) {
    expect([query, refusalOf(await caller.request('GET', `/api/v1/chat/sessions?${query}`))]).toEqual([
      query,
      '400 bad_request',
    ]);
  }
  expect(refusalOf(await caller.request('GET', '/api/v1/chat/sessions?cursor=garbage'))).toBe('400 bad_request');
  expect(refusalOf(await caller.request('GET', '/api/v1/chat/sessions/not-a-ulid'))).toBe('400 bad_request');
  expect(refusalOf(await caller.request('GET', '/api/v1/chat/search?q='))).toBe('400 bad_request');
  expect(refusalOf(await caller.request('GET', '/api/v1/events/recent?since_event_id=-1'))).toBe('400 bad_request');
  expect(refusalOf(await caller.request('GET', '/api/v1/nowhere'))).toBe('404 unknown');
});

test('[HT2] a body over 256 KiB is 413', async () => {
  const { caller } = (await openHeldOffice()).owner;
  const body = JSON.stringify({ scope_type: 'general', title: 'x'.repeat(MAX_BODY_BYTES) });
  expect(refusalOf(await caller.request('POST', '/api/v1/chat/start', { body }))).toBe('413 too_large');
});

test('[HT2] [AC10] guessing passwords ends in 429 with Retry-After', async () => {
  const { url } = await openHeldOffice();
  const nobody = new OfficeCaller(() => url);
  const guess = () =>
    nobody.request('POST', '/api/auth/sign-in/email', {
      body: { email: 'owner@office.test', password: 'a wrong guess' },
      headers: { origin: url },
    });
  let answer = await guess();
  expect(refusalOf(answer)).toBe('401 unauthenticated');
  for (let times = 0; times < 50 && answer.status === 401; times++) answer = await guess();
  expect(refusalOf(answer)).toBe('429 too_many');
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
});
