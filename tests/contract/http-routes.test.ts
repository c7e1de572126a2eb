import { describe, expect, test } from 'vitest';
import { ROUTES, type RouteInput, type RouteName, type RouteResponse } from '../../sync-server/protocol/api.ts';
import { COUNCILS } from '../../sync-server/protocol/organisation.ts';
import { ulid } from '../support/entries.ts';
import { startOffice } from '../support/office.ts';
import { OfficeCaller } from '../support/office-caller.ts';
import { type HeldOffice, openHeldOffice } from '../support/office-in-process.ts';
import { addMember, signIn } from '../support/office-people.ts';
import { until } from '../support/until.ts';

const called = new Set<RouteName>();

/** Calls a route; its answer has passed the route's own schema. */
function call<Name extends RouteName>(
  caller: OfficeCaller,
  name: Name,
  input: RouteInput<Name>,
): Promise<RouteResponse<Name>> {
  called.add(name);
  return caller.call(name, input);
}

const general = { body: { scope_type: 'general' } } as const;
const council = COUNCILS[0]?.id ?? '';
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

async function startedIn(office: HeldOffice): Promise<string> {
  const { session_id } = await call(office.owner.caller, 'startChat', general);
  return session_id;
}

describe('the office', () => {
  test('[HT6] anyone asks livez and readyz; health and metrics are for people and this machine', async () => {
    const { owner, url } = await openHeldOffice();
    const anyone = new OfficeCaller(() => url);
    expect(await call(anyone, 'livez', {})).toBe('ok');
    expect(await call(anyone, 'readyz', {})).toBe('ok');
    expect((await call(anyone, 'health', {})).parts).toHaveProperty('storage');
    expect(await call(anyone, 'metrics', {})).toContain('daena_rooms_open');
    expect(await call(anyone, 'officeState', {})).toEqual({ has_owner: true });
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    for (const name of ['health', 'metrics'] as const) {
      expect(await anyone.refusal(name, {}, { headers })).toBe('401 unauthenticated');
      expect((await owner.caller.send(name, {}, { headers })).status).toBe(200);
    }
  });

  test('[HT5] the OpenAPI document describes every route, and everything answers under the security headers', async () => {
    const { owner } = await openHeldOffice();
    const description = (await call(owner.caller, 'openapi', {})) as {
      openapi: string;
      paths: Record<string, Record<string, { responses: Record<string, unknown>; security: unknown[] }>>;
    };
    expect(description.openapi).toBe('3.1.0');
    for (const route of Object.values(ROUTES)) {
      const described = description.paths[route.path]?.[route.method.toLowerCase()];
      expect(Object.keys(described?.responses ?? {})).toContain(String('status' in route ? route.status : 200));
      expect(described?.security.length === 0).toBe(route.access === 'anyone');
    }
    const { headers } = await owner.caller.send('me', {});
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('[HT1] without a worker the brain is not connected, and says why', async () => {
    const { owner } = await openHeldOffice();
    const status = await call(owner.caller, 'brainStatus', {});
    expect(status.connected).toBe(false);
    expect(status.error).toBeTruthy();
  });
});

describe('people', () => {
  test('[AC7] the one-time token makes the owner, once', async () => {
    const office = await startOffice({ env: { DAENA_OWNER_EMAIL: '', DAENA_OWNER_PASSWORD: '' } });
    const token = new URL(office.ownerLink ?? '').hash.slice(1);
    const body = { token, name: 'Ann', email: 'ann@office.test', password: 'ann knows this' };
    expect(await call(office.nobody, 'officeState', {})).toEqual({ has_owner: false });
    expect(await office.nobody.refusal('createOwner', { body: { ...body, token: 'made-up' } })).toBe('403 forbidden');
    const owner = await call(office.nobody, 'createOwner', { body });
    expect(owner).toMatchObject({ name: 'Ann', role: 'owner' });
    expect(await office.nobody.refusal('createOwner', { body })).toBe('409 conflict');
  });

  test('[AC8] an invite makes a member once; members see no addresses but their own; only the owner manages', async () => {
    const { owner } = await openHeldOffice();
    const bob = await addMember(owner.caller, 'bob');
    called.add('invite').add('acceptInvite');
    const seen = (await call(bob.caller, 'members', {})).members;
    expect(seen.map(({ name, email }) => [name, email])).toEqual([
      ['owner', undefined],
      ['bob', 'bob@office.test'],
    ]);
    expect(await bob.caller.refusal('invite', { body: {} })).toBe('403 forbidden');
    const disable = { params: { id: bob.me.id }, body: { disabled: true } };
    expect(await bob.caller.refusal('updateMember', disable)).toBe('403 forbidden');
    expect((await call(owner.caller, 'updateMember', disable)).member.disabled).toBe(true);
    const unknown = { params: { id: 'nobody' }, body: { disabled: true } };
    expect(await owner.caller.refusal('updateMember', unknown)).toBe('404 unknown');
    const self = { params: { id: owner.me.id }, body: { disabled: true } };
    expect(await owner.caller.refusal('updateMember', self)).toBe('409 conflict');
  });

  test('[AC9] a reset link sets a password once and signs out everywhere; other devices can be signed out', async () => {
    const { owner, url } = await openHeldOffice();
    const bob = await addMember(owner.caller, 'bob');
    const { link } = await call(owner.caller, 'resetLink', { params: { id: bob.me.id } });
    const body = { token: new URL(link).hash.slice(1), password: 'another password' };
    await call(owner.caller, 'resetPassword', { body });
    expect(await owner.caller.refusal('resetPassword', { body })).toBe('403 forbidden');
    expect(await bob.caller.refusal('me', {})).toBe('401 unauthenticated');
    const again = await signIn(() => url, { email: 'bob@office.test', password: body.password });
    const elsewhere = await signIn(() => url, { email: 'bob@office.test', password: body.password });
    await call(again.caller, 'signOutOthers', {});
    expect(await elsewhere.caller.refusal('me', {})).toBe('401 unauthenticated');
    expect((await call(again.caller, 'me', {})).id).toBe(bob.me.id);
  });

  test('[AC4] a key acts as its person without an origin, until it is revoked', async () => {
    const { owner } = await openHeldOffice();
    const made = await call(owner.caller, 'makeApiKey', { body: { name: 'a script' } });
    const script = new OfficeCaller(() => owner.caller.url, { authorization: `Bearer ${made.key}` });
    expect((await call(script, 'me', {})).id).toBe(owner.me.id);
    await call(script, 'startChat', general);
    expect((await call(script, 'apiKeys', {})).keys).toMatchObject([{ id: made.id, name: 'a script' }]);
    await call(owner.caller, 'revokeApiKey', { params: { id: made.id } });
    expect(await script.refusal('me', {})).toBe('401 unauthenticated');
    expect(await owner.caller.refusal('revokeApiKey', { params: { id: made.id } })).toBe('404 unknown');
  });
});

describe('chats', () => {
  test("[HT7] starting with an id of one's own is idempotent; another scope or owner is a conflict", async () => {
    const { owner } = await openHeldOffice();
    const bob = await addMember(owner.caller, 'bob');
    const body = { scope_type: 'department', scope_id: 'finance', session_id: ulid(1), title: 'Budget' } as const;
    const first = await call(owner.caller, 'startChat', { body });
    expect(first.session).toMatchObject({
      session_id: ulid(1),
      title: 'Budget',
      category: 'finance',
      message_count: 0,
      last_message: null,
      is_active: true,
      documents: { live: `session/${ulid(1)}/1`, brief: `brief/${ulid(1)}` },
    });
    expect(first.session.created_at).toMatch(ISO);
    expect(await call(owner.caller, 'startChat', { body })).toEqual(first);
    expect(await bob.caller.refusal('startChat', { body })).toBe('409 conflict');
    const other = { ...body, scope_id: 'marketing' };
    expect(await owner.caller.refusal('startChat', { body: other })).toMatch(/^4(00|09) /);
    expect((await call(owner.caller, 'sessions', {})).sessions).toHaveLength(1);
    const daena = await call(owner.caller, 'startDaenaChat', { body: {} });
    expect(daena.session).toMatchObject({ scope_type: 'executive', scope_id: 'daena', category: 'executive' });
    const nowhere = { scope_type: 'department', scope_id: 'nowhere' } as const;
    expect(await owner.caller.refusal('startChat', { body: nowhere })).toBe('400 bad_request');
  });

  test('[HT3] an unknown session is 404 on every route, and is never made', async () => {
    const { owner } = await openHeldOffice();
    const { caller } = owner;
    const params = { id: ulid(99) };
    expect(await caller.refusal('session', { params })).toBe('404 unknown');
    expect(await caller.refusal('messages', { params })).toBe('404 unknown');
    expect(await caller.refusal('segment', { params: { ...params, n: '1' } })).toBe('404 unknown');
    expect(await caller.refusal('exportSession', { params })).toBe('404 unknown');
    expect(await caller.refusal('binSession', { params })).toBe('404 unknown');
    expect(await caller.refusal('restoreSession', { params })).toBe('404 unknown');
    expect(await caller.refusal('renameSession', { params, body: { title: 'x' } })).toBe('404 unknown');
    expect(await caller.refusal('postMessage', { params, body: { content: 'x' } })).toBe('404 unknown');
    expect(await caller.refusal('debate', { params: { id: council, sid: ulid(99) } })).toBe('404 unknown');
    expect(await caller.refusal('stopTurn', { params: { id: 'r_x' }, body: { attempt: 1 } })).toBe('404 unknown');
    expect((await call(caller, 'sessions', {})).sessions).toEqual([]);
  });

  test('[HT8] a message by HTTP answers once it can be read back; its id makes it idempotent', async () => {
    const office = await openHeldOffice();
    const { caller, me } = office.owner;
    const id = await startedIn(office);
    const body = { content: 'hello world', message_id: ulid(5) };
    const { message } = await call(caller, 'postMessage', { params: { id }, body });
    expect(message).toMatchObject({
      message_id: ulid(5),
      session_id: id,
      role: 'user',
      author_id: me.id,
      author_name: 'owner',
      content: 'hello world',
    });
    expect(message.created_at).toMatch(ISO);
    const page = await call(caller, 'segment', { params: { id, n: '1' } });
    expect(page.entries.map(({ kind }) => kind)).toEqual(['created', 'message']);
    expect((await call(caller, 'messages', { params: { id } })).messages).toEqual([message]);
    expect((await call(caller, 'postMessage', { params: { id }, body })).message).toEqual(message);
    const other = { ...body, content: 'other words' };
    expect(await caller.refusal('postMessage', { params: { id }, body: other })).toBe('409 conflict');
    const { session } = await call(caller, 'session', { params: { id } });
    expect(session).toMatchObject({ message_count: 1, last_message: { message_id: ulid(5) } });
  });

  test('[HT9] messages ascend, and `before` pages back without overlap or hole', async () => {
    const office = await openHeldOffice();
    const { caller } = office.owner;
    const id = await startedIn(office);
    for (let n = 1; n <= 7; n++) {
      await call(caller, 'postMessage', { params: { id }, body: { content: `m${n}`, message_id: ulid(n) } });
    }
    const pages: string[][] = [];
    let before: string | undefined;
    do {
      const page = await call(caller, 'messages', {
        params: { id },
        query: { limit: 3, ...(before !== undefined && { before }) },
      });
      pages.unshift(page.messages.map(({ content }) => content));
      before = page.next_cursor ?? undefined;
    } while (before !== undefined);
    expect(pages).toEqual([['m1'], ['m2', 'm3', 'm4'], ['m5', 'm6', 'm7']]);
  });

  test('[HT9] sessions are listed by newest activity, page by page, and filtered by category, scope and words', async () => {
    const { owner, clock } = await openHeldOffice();
    const { caller } = owner;
    const ids: string[] = [];
    for (const [scope_type, scope_id] of [
      ['department', 'finance'],
      ['department', 'marketing'],
      ['department', 'finance'],
      ['general', undefined],
      ['executive', undefined],
    ] as const) {
      clock.advance(1_000);
      const body = { scope_type, ...(scope_id && { scope_id }), title: `Chat ${ids.length}` };
      ids.push((await call(caller, 'startChat', { body })).session_id);
    }
    const list = async (query: RouteInput<'sessions'>['query']) =>
      (await call(caller, 'sessions', { query })).sessions.map(({ session_id }) => ids.indexOf(session_id));
    expect(await list({})).toEqual([4, 3, 2, 1, 0]);
    expect(await list({ category: 'departments' })).toEqual([2, 1, 0]);
    expect(await list({ category: 'finance' })).toEqual([2, 0]);
    expect(await list({ scope_type: 'department', scope_id: 'marketing' })).toEqual([1]);
    expect(await list({ category: 'executive' })).toEqual([4]);
    expect(await list({ q: 'chat 3' })).toEqual([3]);
    const { sessions, next_cursor } = await call(caller, 'sessions', { query: { limit: 2 } });
    expect(sessions).toHaveLength(2);
    expect(await list({ limit: 10, cursor: next_cursor ?? '' })).toEqual([2, 1, 0]);
    const bySlug = await call(caller, 'departmentSessions', { params: { slug: 'finance' } });
    expect(bySlug).toEqual(await call(caller, 'sessions', { query: { category: 'finance' } }));
    clock.advance(1_000);
    await call(caller, 'postMessage', { params: { id: ids[0] ?? '' }, body: { content: 'again' } });
    expect((await list({}))[0]).toBe(0);
  });

  test('[HT10] a title changes, the bin takes and gives back, and in the bin nothing is written', async () => {
    const office = await openHeldOffice();
    const { caller } = office.owner;
    const bob = await addMember(caller, 'bob');
    const id = await startedIn(office);
    const params = { id };
    expect((await call(caller, 'renameSession', { params, body: { title: 'New' } })).session.title).toBe('New');
    expect(await bob.caller.refusal('renameSession', { params, body: { title: 'Mine' } })).toBe('403 forbidden');
    expect(await bob.caller.refusal('binSession', { params })).toBe('403 forbidden');
    expect((await call(caller, 'binSession', { params })).session.is_active).toBe(false);
    expect((await call(caller, 'binSession', { params })).session.is_active).toBe(false);
    expect(await caller.refusal('postMessage', { params, body: { content: 'x' } })).toBe('403 forbidden');
    expect((await call(caller, 'sessions', {})).sessions).toEqual([]);
    expect((await call(caller, 'sessions', { query: { binned: 'true' } })).sessions).toHaveLength(1);
    expect((await call(caller, 'restoreSession', { params })).session.is_active).toBe(true);
    await call(caller, 'postMessage', { params, body: { content: 'x' } });
  });

  test('[HT11] search finds words where one may read, and an export holds the whole session', async () => {
    const { owner } = await openHeldOffice();
    const { caller } = owner;
    const bob = await addMember(caller, 'bob');
    const open = await call(caller, 'startChat', { body: { scope_type: 'department', scope_id: 'finance' } });
    const closed = await call(caller, 'startChat', { body: { scope_type: 'general', is_private: true } });
    for (const { session_id } of [open, closed]) {
      const body = { content: 'The zebra crossing was expensive' };
      await call(caller, 'postMessage', { params: { id: session_id }, body });
    }
    const hits = async (who: OfficeCaller, query: RouteInput<'search'>['query']) =>
      (await call(who, 'search', { query })).hits.map(({ session_id }) => session_id).sort();
    expect(await hits(caller, { q: 'zebra' })).toEqual([open.session_id, closed.session_id].sort());
    expect(await hits(bob.caller, { q: 'zebra' })).toEqual([open.session_id]);
    expect(await hits(caller, { q: 'zebra', scope_type: 'general' })).toEqual([closed.session_id]);
    expect(await hits(caller, { q: '"OR NOT (' })).toEqual([]);
    const { hits: found } = await call(caller, 'search', { query: { q: 'zebra' } });
    expect(found[0]?.snippet).toContain('\u0002zebra\u0003');
    const json = await call(caller, 'exportSession', { params: { id: open.session_id } });
    expect(JSON.stringify(json)).toContain('zebra crossing');
    const md = await caller.send('exportSession', { params: { id: open.session_id }, query: { format: 'md' } });
    expect(md.text).toContain('zebra crossing');
    expect(md.headers.get('content-type')).toContain('markdown');
    expect(await bob.caller.refusal('exportSession', { params: { id: closed.session_id } })).toBe('404 unknown');
  });

  test('[TU5] a turn that waits is shown with its session, and stops at once', async () => {
    const { owner } = await openHeldOffice();
    const { caller } = owner;
    const { session_id: id } = await call(caller, 'startDaenaChat', { body: {} });
    await call(caller, 'postMessage', { params: { id }, body: { content: 'hello?' } });
    const { turns } = await call(caller, 'session', { params: { id } });
    expect(turns).toMatchObject([{ agent_id: 'daena', state: 'queued', session_id: id }]);
    const turn = turns[0]?.turn ?? '';
    const stopped = await call(caller, 'stopTurn', { params: { id: turn }, body: { attempt: turns[0]?.attempt || 1 } });
    expect(stopped.turn.state).toBe('stopped');
    await until('the terminal entry', async () => {
      const { messages } = await call(caller, 'messages', { params: { id } });
      return messages.some(({ outcome }) => outcome === 'stopped');
    });
  });
});

describe('the organisation', () => {
  test('[HT1] eight departments with six agents each', async () => {
    const { caller } = (await openHeldOffice()).owner;
    const { departments } = await call(caller, 'departments', {});
    expect(departments.map(({ agents }) => agents.length)).toEqual(Array.from({ length: 8 }, () => 6));
    const slug = departments[0]?.slug ?? '';
    expect((await call(caller, 'department', { params: { slug } })).department).toEqual(departments[0]);
    expect((await call(caller, 'departmentAgents', { params: { slug } })).agents).toEqual(departments[0]?.agents);
    for (const name of ['department', 'departmentAgents', 'departmentSessions'] as const) {
      expect(await caller.refusal(name, { params: { slug: 'nowhere' } })).toBe('404 unknown');
    }
  });

  test('[HT12] councils and seats are switched by the owner, and what is off debates nothing', async () => {
    const { caller } = (await openHeldOffice()).owner;
    const bob = await addMember(caller, 'bob');
    const { councils } = await call(caller, 'councils', {});
    expect(councils.map(({ id }) => id)).toEqual(COUNCILS.map(({ id }) => id));
    const params = { id: council };
    const seats = (await call(caller, 'council', { params })).council.experts;
    const eid = seats[0]?.id ?? '';
    expect(await bob.caller.refusal('toggleCouncil', { params })).toBe('403 forbidden');
    expect((await call(caller, 'toggleCouncil', { params })).council.enabled).toBe(false);
    const debate = { params, body: { topic: 'What now?' } };
    expect(await caller.refusal('startDebate', debate)).toBe('409 conflict');
    expect((await call(caller, 'toggleCouncil', { params })).council.enabled).toBe(true);
    const off = await call(caller, 'toggleExpert', { params: { ...params, eid } });
    expect(off.council.experts.find(({ id }) => id === eid)?.enabled).toBe(false);
    expect(await caller.refusal('toggleExpert', { params: { ...params, eid: 'nobody' } })).toBe('404 unknown');
    const started = await call(caller, 'startDebate', debate);
    const state = await call(caller, 'debate', { params: { id: council, sid: started.session_id } });
    expect(state.turns.map(({ step }) => step).filter((step) => step === 'position')).toHaveLength(seats.length - 1);
  });

  test('[HT13] a debate starts, takes what people say, runs once at a time, and is led to its synthesis', async () => {
    const { caller } = (await openHeldOffice()).owner;
    const params = { id: council };
    const started = await call(caller, 'startDebate', { params, body: { topic: 'Shall we?' } });
    expect(started).toMatchObject({ council_id: council, topic: 'Shall we?' });
    const sid = started.session_id;
    const there = { id: council, sid };
    const state = await call(caller, 'debate', { params: there });
    expect(state).toMatchObject({ state: 'running', topic: 'Shall we?', preset: 'quick', synthesis: null });
    expect(await caller.refusal('startDebate', { params, body: { topic: 'More', session_id: sid } })).toBe(
      '409 conflict',
    );
    const said = await call(caller, 'debateMessage', { params: there, body: { content: 'Mind the budget' } });
    expect((await call(caller, 'debate', { params: there })).messages).toContainEqual(said.message);
    expect(await call(caller, 'synthesizeDebate', { params: there })).toEqual({ success: true });
    const elsewhere = COUNCILS[1]?.id ?? '';
    expect(await caller.refusal('debate', { params: { id: elsewhere, sid } })).toBe('404 unknown');
  });
});

test('[EV4] [EV5] recent events come oldest first, from where one was, and only those one may see', async () => {
  const office = await openHeldOffice();
  const { caller } = office.owner;
  const bob = await addMember(caller, 'bob');
  const { session_id: id } = await call(caller, 'startChat', {
    body: { scope_type: 'general', is_private: true },
  });
  await call(caller, 'postMessage', { params: { id }, body: { content: 'secret' } });
  const all = (await call(caller, 'recentEvents', {})).events;
  expect(all.map(({ event_id }) => event_id)).toEqual(all.map(({ event_id }) => event_id).sort((a, b) => a - b));
  // Besides these there is what the agents are doing.
  const events = all.filter(({ event_type }) => /^(session|chat)\./.test(event_type));
  expect(events.map(({ event_type }) => event_type)).toEqual(['session.created', 'chat.message']);
  const [first, second] = events;
  expect(second?.event_id).toBeGreaterThan(first?.event_id ?? 0);
  expect(second).toMatchObject({ entity_type: 'chat', entity_id: id, payload: { content: 'secret', sender: 'user' } });
  const since = await call(caller, 'recentEvents', { query: { since_event_id: first?.event_id ?? 0 } });
  expect(since.events).toEqual(all.filter(({ event_id }) => event_id > (first?.event_id ?? 0)));
  const seen = (await call(bob.caller, 'recentEvents', {})).events;
  expect(seen.filter(({ event_type }) => event_type !== 'brain.status')).toEqual([]);
});

// Last: it looks at what the tests above called.
test('[HT1] every route of the protocol was called here, and its answer had the form that its schema says', () => {
  expect((Object.keys(ROUTES) as RouteName[]).filter((name) => !called.has(name))).toEqual([]);
});
