import { expect, test } from 'vitest';
import { openHeldOffice } from '../support/office-in-process.ts';
import { addMember } from '../support/office-people.ts';

test('[SG8] a page of history has an ETag that follows from its entries, and is not sent twice', async () => {
  const office = await openHeldOffice();
  const { caller } = office.owner;
  const { session_id } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const params = { id: session_id, n: '1' };
  const page = await caller.call('segment', { params });
  expect(page).toMatchObject({ session_id: params.id, segment: 1, is_sealed: false });
  expect(page.entries.map(({ kind }) => kind)).toEqual(['created']);
  const first = await caller.send('segment', { params });
  const etag = first.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[\w-]{27}"$/);
  for (const header of [etag, `"other", W/${etag}`, '*']) {
    const again = await caller.send('segment', { params }, { headers: { 'if-none-match': header } });
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
  }
  await caller.call('postMessage', { params: { id: params.id }, body: { content: 'hello' } });
  const changed = await caller.send('segment', { params }, { headers: { 'if-none-match': etag } });
  expect(changed.status).toBe(200);
  expect(changed.headers.get('etag')).not.toBe(etag);
  expect((await caller.call('segment', { params })).entries.map(({ kind }) => kind)).toEqual(['created', 'message']);
  for (const n of ['2', '999999']) {
    expect(await caller.refusal('segment', { params: { ...params, n } })).toBe('404 unknown');
  }
  for (const n of ['0', '01', 'x']) {
    expect(await caller.refusal('segment', { params: { ...params, n } })).toBe('400 bad_request');
  }
  const bob = await addMember(caller, 'bob');
  const secret = await caller.call('startChat', { body: { scope_type: 'general', is_private: true } });
  const hidden = { id: secret.session_id, n: '1' };
  expect(await bob.caller.refusal('segment', { params: hidden })).toBe('404 unknown');
});
