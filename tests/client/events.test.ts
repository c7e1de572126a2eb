import { once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { EventStream, type StreamState } from '../../client/sync/events.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

const soon = (assertion: () => void) => vi.waitFor(assertion, { timeout: 8_000, interval: 5 });

const council = (id: number) =>
  JSON.stringify({
    event_id: id,
    event_type: 'council.updated',
    entity_type: 'council',
    entity_id: 'tech',
    payload: { council_id: 'tech', enabled: id % 2 === 0 },
    timestamp: new Date(0).toISOString(),
  });

async function open() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const sockets: WebSocket[] = [];
  const asked: (string | undefined)[] = [];
  server.on('connection', (socket, request) => {
    sockets.push(socket);
    asked.push(request.url);
  });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  const events: number[] = [];
  const states: StreamState[] = [];
  let gaps = 0;
  const stream = new EventStream(`ws://127.0.0.1:${address.port}/ws/events`, {
    event: ({ id }) => events.push(id),
    gap: () => gaps++,
    state: (state) => states.push(state),
  });
  closing.push(() => server.close());
  closing.push(() => stream.stop());
  stream.start();
  await soon(() => expect(states).toContain('open'));
  return { stream, sockets, asked, events, states, gaps: () => gaps };
}

test('the first connection asks for the lists, later ones only for what was missed', async () => {
  const { sockets, asked, events, gaps } = await open();
  expect(asked).toEqual(['/ws/events']);
  expect(gaps()).toBe(1);
  sockets[0]?.send(council(7));
  await soon(() => expect(events).toEqual([7]));
  sockets[0]?.terminate();
  await soon(() => expect(asked).toEqual(['/ws/events', '/ws/events?since=7']));
  await soon(() => expect(sockets).toHaveLength(2));
  expect(gaps()).toBe(1);
});

test('an event is told once, however often it is sent', async () => {
  const { sockets, events } = await open();
  for (const id of [1, 2, 2, 1, 3]) sockets[0]?.send(council(id));
  await soon(() => expect(events).toEqual([1, 2, 3]));
});

test('what can no longer be replayed asks for the lists', async () => {
  const { sockets, gaps } = await open();
  sockets[0]?.send(JSON.stringify({ gap: true, oldest: 900 }));
  await soon(() => expect(gaps()).toBe(2));
});

test('what it does not understand changes nothing', async () => {
  const { sockets, events } = await open();
  sockets[0]?.send('{{{');
  sockets[0]?.send(
    JSON.stringify({
      event_id: 4,
      event_type: 'of.tomorrow',
      entity_type: 'x',
      entity_id: 'x',
      payload: {},
      timestamp: '',
    }),
  );
  sockets[0]?.send(council(5));
  await soon(() => expect(events).toEqual([5]));
});

test('a final close code is not tried again', async () => {
  const { sockets, states, asked } = await open();
  sockets[0]?.close(4401, 'signed out');
  await soon(() => expect(states.at(-1)).toBe('refused'));
  expect(asked).toHaveLength(1);
});
