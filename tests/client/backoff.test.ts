import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { waitBeforeReconnect } from '../../client/sync/backoff.ts';

/** Longer than the provider would wait by itself after a first close. */
const HINT_MS = 900;
/** A timer may fire this much before its time, in ms. */
const TIMER_SLACK_MS = 5;

/** A server that sends everyone off with a reason, and when each came. */
async function sendingOff(reason: string): Promise<{ url: string; cameAt: number[] }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const cameAt: number[] = [];
  server.on('connection', (socket) => {
    cameAt.push(performance.now());
    socket.close(4529, reason);
  });
  await once(server, 'listening');
  onTestFinished(() => server.close());
  // reason: a server that listens on TCP has such an address
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, cameAt };
}

function connect(url: string): WebsocketProvider {
  const provider = new WebsocketProvider(url, 'document', new Y.Doc(), {
    disableBc: true,
    // reason: ws is the browsers' WebSocket in all that the provider uses
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
  });
  provider.on('connection-close', (event) => waitBeforeReconnect(provider, event?.reason ?? '', 100));
  onTestFinished(() => provider.destroy());
  return provider;
}

test('[BO5] a client comes back when it was asked to, and not before', async () => {
  const { url, cameAt } = await sendingOff(`the connection cannot keep up; retry in ${HINT_MS} ms`);
  connect(url);
  await vi.waitFor(() => expect(cameAt.length).toBeGreaterThan(1), { timeout: 8_000 });
  const [first = 0, second = 0] = cameAt;
  expect(second - first).toBeGreaterThanOrEqual(HINT_MS - TIMER_SLACK_MS);
});

test('where it was asked nothing, a client comes back by its own time', async () => {
  const { url, cameAt } = await sendingOff('the room is being reopened');
  connect(url);
  await vi.waitFor(() => expect(cameAt.length).toBeGreaterThan(2), { timeout: 8_000 });
  const [first = 0, , third = 0] = cameAt;
  expect(third - first).toBeLessThan(HINT_MS);
});
