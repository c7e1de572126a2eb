import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const FIXTURES = fileURLToPath(new URL('../../fixtures/ollama-wire/', import.meta.url));
const HEAD_END = '\r\n\r\n';

/** A recorded answer in its two parts, with their bytes as they were. */
export function recording(name: string): { head: string; body: Buffer } {
  const bytes = readFileSync(`${FIXTURES}${name}.http`);
  const end = bytes.indexOf(HEAD_END) + HEAD_END.length;
  return { head: bytes.subarray(0, end).toString('latin1'), body: bytes.subarray(end) };
}

export type ReplayServer = { host: string; requests: string[]; [Symbol.asyncDispose](): Promise<void> };

/** Answers every request with the same recording. Chunked bodies were joined when recorded, and are cut again at `cutBytes`. */
export function replay(name: string, { cutBytes = 100 }: { cutBytes?: number } = {}): Promise<ReplayServer> {
  const { head, body } = recording(name);
  const isChunked = /transfer-encoding: chunked/i.test(head);
  return listen((socket) => {
    socket.write(head, 'latin1');
    if (!isChunked) return socket.end(body);
    for (let at = 0; at < body.length; at += cutBytes) {
      const part = body.subarray(at, at + cutBytes);
      socket.write(Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]));
    }
    return socket.end('0\r\n\r\n');
  });
}

/** A bare socket server: `answer` is called once a whole request has come in. */
export async function listen(answer: (socket: Socket) => void): Promise<ReplayServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      if (!isWhole(received)) return;
      requests.push(Buffer.from(received, 'latin1').toString('utf8'));
      received = '';
      answer(socket);
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  // reason: a TCP server that listens has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    host: `http://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

function isWhole(request: string): boolean {
  const end = request.indexOf(HEAD_END);
  if (end < 0) return false;
  const length = Number(/content-length: (\d+)/i.exec(request.slice(0, end))?.[1] ?? 0);
  return request.length >= end + HEAD_END.length + length;
}
