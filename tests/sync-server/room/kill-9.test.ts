import { expect, test } from 'vitest';
import { messageNow as message } from '../../support/entries.ts';
import { startOffice } from '../../support/office.ts';
import { connect, contentOf } from '../../support/office-peer.ts';
import { until } from '../../support/until.ts';

test('[DU4] [INV1] [PJ1] what had a receipt is there after kill -9, projected once, and what had none arrives once', async () => {
  const office = await startOffice();
  const { me, caller } = await office.signIn();
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const id = session.session_id;
  const writer = await connect(caller, session.documents.live, { receipts: true }).synced();
  const reader = await connect(caller, session.documents.live).synced();
  for (let n = 1; n <= 40; n++) writer.write(message(me.id, n));
  await until('a receipt for all', () => writer.isSaved);
  const fresh = [41, 42, 43].map((n) => message(me.id, n));
  await office.kill9();
  for (const entry of fresh) writer.write(entry);
  await office.start();
  const first = await caller.call('messages', { params: { id }, query: { limit: 200 } });
  expect(first.messages.length).toBeGreaterThanOrEqual(40);
  await until('the rest is saved and read', () => writer.isSaved && reader.entries.length === 44);
  const replica = await connect(caller, session.documents.live).synced();
  expect(new Set([writer, reader, replica].map(({ doc }) => contentOf(doc))).size).toBe(1);
  const messages = await until('the projection', async () => {
    const page = await caller.call('messages', { params: { id }, query: { limit: 200 } });
    return page.messages.length === 43 && page.messages;
  });
  expect(new Set(messages.map(({ message_id }) => message_id)).size).toBe(43);
  const { events } = await caller.call('recentEvents', { query: { limit: 200, since_event_id: 0 } });
  const told = events
    .filter(({ event_type }) => event_type === 'chat.message')
    .map(({ payload }) => (payload as { message_id: string }).message_id);
  expect(told).toHaveLength(43);
  expect(new Set(told).size).toBe(43);
});

test('[DU4] a message by HTTP that was answered is there after kill -9, and asking again answers the same', async () => {
  const office = await startOffice();
  const { caller } = await office.signIn();
  const { session_id: id } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const body = { content: 'hello', message_id: '01ARZ3NDEKTSV4RRFFQ69G5FAV' };
  const { message: sent } = await caller.call('postMessage', { params: { id }, body });
  await office.kill9();
  await office.start();
  expect((await caller.call('messages', { params: { id } })).messages).toEqual([sent]);
  expect((await caller.call('postMessage', { params: { id }, body })).message).toEqual(sent);
  expect((await caller.call('messages', { params: { id } })).messages).toHaveLength(1);
});

test('[INV10] restarts add nothing to a document, whatever way it ended', async () => {
  const office = await startOffice();
  const { me, caller } = await office.signIn();
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const { live, brief } = session.documents;
  const writer = await connect(caller, live, { receipts: true }).synced();
  writer.write(message(me.id, 1));
  await until('a receipt', () => writer.isSaved);
  const before = contentOf(writer.doc);
  writer.leave();
  for (const end of [() => office.kill9(), () => office.stop(), () => office.kill9()]) {
    await end();
    await office.start();
    expect(contentOf((await connect(caller, live).synced()).doc)).toBe(before);
    expect([...(await connect(caller, brief).synced()).doc.store.clients.keys()]).toEqual([]);
  }
});
