import { expect, test } from 'vitest';
import type { z } from 'zod';
import { type eventStreamSchema, MAX_EVENTS_KEPT } from '../../sync-server/protocol/events.ts';
import { knock } from '../support/knock.ts';
import { openHeldOffice } from '../support/office-in-process.ts';
import { addMember } from '../support/office-people.ts';
import { until } from '../support/until.ts';

type Said = z.infer<typeof eventStreamSchema>;
/** What was said, but for what the agents are doing. */
const chatsIn = (messages: unknown[]): Said[] =>
  // reason: what the stream says, and each test compares it whole
  (messages as Said[]).filter((said) => !('event_type' in said) || !/^(turn|brain)\./.test(said.event_type));
const typesOf = (messages: unknown[]): string[] =>
  chatsIn(messages).map((said) => ('event_type' in said ? said.event_type : 'gap'));

test('[EV4] [EV6] events come as they happen to those who may see them, and a ping is answered', async () => {
  const { owner } = await openHeldOffice();
  const bob = await addMember(owner.caller, 'bob');
  const stream = await knock(owner.caller, '/ws/events').opened();
  const other = await knock(bob.caller, '/ws/events').opened();
  await stream.survives();
  await other.survives();
  const hidden = await owner.caller.call('startChat', { body: { scope_type: 'general', is_private: true } });
  const open = await owner.caller.call('startChat', { body: { scope_type: 'general' } });
  await owner.caller.call('postMessage', { params: { id: open.session_id }, body: { content: 'hello' } });
  await owner.caller.call('postMessage', { params: { id: hidden.session_id }, body: { content: 'secret' } });
  await until('all four', () => chatsIn(stream.messages).length === 4);
  expect(typesOf(stream.messages)).toEqual(['session.created', 'session.created', 'chat.message', 'chat.message']);
  await other.survives();
  expect(typesOf(other.messages)).toEqual(['session.created', 'chat.message']);
  expect(other.texts.join()).not.toContain('secret');
  stream.socket.send('{"type":"ping"}');
  await until('the pong', () => typesOf(stream.messages).includes('pong'));
  stream.socket.send('{"type":"shout"}');
  expect(await stream.code()).toBe(4400);
});

test('[EV7] `since` replays what was missed, in order, before what happens next', async () => {
  const { owner } = await openHeldOffice();
  const { session_id: id } = await owner.caller.call('startChat', { body: { scope_type: 'general' } });
  for (const content of ['one', 'two', 'three']) {
    await owner.caller.call('postMessage', { params: { id }, body: { content } });
  }
  const { events } = await owner.caller.call('recentEvents', {});
  const from = events.findIndex(({ event_type }) => event_type === 'chat.message') + 1;
  const stream = knock(owner.caller, `/ws/events?since=${events[from - 1]?.event_id}`);
  await until('the rest', () => stream.messages.length >= events.length - from);
  expect(stream.messages).toEqual(events.slice(from));
  await owner.caller.call('postMessage', { params: { id }, body: { content: 'four' } });
  await until('the next', () => chatsIn(stream.messages).length === 3);
  expect(chatsIn(stream.messages)[2]).toMatchObject({ payload: { content: 'four' } });
});

test('[EV3] where events are no longer kept, or were never there, the stream says so', async () => {
  const { owner } = await openHeldOffice();
  const stream = knock(owner.caller, `/ws/events?since=${MAX_EVENTS_KEPT * 10}`);
  await until('the gap', () => stream.messages.length === 1);
  expect(stream.messages).toEqual([{ gap: true, oldest: expect.any(Number) }]);
  expect(await owner.caller.call('recentEvents', { query: { since_event_id: MAX_EVENTS_KEPT * 10 } })).toMatchObject({
    gap: true,
  });
  expect(await knock(owner.caller, '/ws/events?since=x').code()).toBe(4400);
});
