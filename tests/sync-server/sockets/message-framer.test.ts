import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { frameBinary, MessageFramer } from '../../../sync-server/sockets/message-framer.ts';

test('[FR5] a message framed by hand reads like one of ws, whatever its length, and between messages of ws', async () => {
  const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000];
  const http = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await new Promise((resolve) => http.once('listening', resolve));
  http.on('connection', (socket, request) => {
    for (const length of lengths) {
      request.socket.write(frameBinary(new Uint8Array(length).fill(length % 251)));
      socket.send(`after ${length}`);
      socket.ping();
    }
  });
  const address = http.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  const received: string[] = [];
  await new Promise<void>((resolve, reject) => {
    client.on('error', reject);
    client.on('message', (data: Buffer, isBinary) => {
      const isWhole = data.every((byte) => byte === data.length % 251);
      received.push(isBinary ? `${data.length} ${isWhole}` : String(data));
      if (received.length === 2 * lengths.length) resolve();
    });
  });
  expect(received).toEqual(lengths.flatMap((length) => [`${length} true`, `after ${length}`]));
  client.terminate();
  http.close();
});

test('[FR5] the same message is framed once, another anew', () => {
  const framer = new MessageFramer();
  const message = new Uint8Array([1, 2, 3]);
  const framed = framer.framed(message);
  expect(framer.framed(message)).toBe(framed);
  expect(framer.framed(new Uint8Array([1, 2, 3]))).not.toBe(framed);
});
