import { once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import * as Y from 'yjs';
import type { Shelf } from '../../client/sync/device.ts';
import { type ReplicaChange, SegmentReplica } from '../../client/sync/segment-replica.ts';
import {
  type NackCode,
  readPeerFrame,
  writeHello,
  writeNack,
  writeReceipt,
  writeStep1,
  writeStep2,
  writeUpdate,
} from '../../sync-server/protocol/frames.ts';
import { entriesOf, readEntries } from '../../sync-server/protocol/segment.ts';

const NAME = 'session/01JAAAAAAAAAAAAAAAAAAAAAAA/1';
const ADA = { id: 'ada', name: 'Ada' };

/** The server's side of the wire, without its rules: what it answers is said by the test. */
class ScriptedServer {
  readonly doc = new Y.Doc();
  readonly #server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  readonly sockets = new Set<WebSocket>();
  readonly urls: string[] = [];
  /** What happens to an update: it is taken and receipted, or kept from the log. */
  answer: (update: Uint8Array, socket: WebSocket) => void = (update, socket) => this.take(update, socket);
  clockAheadMs = 0;

  readonly isListening = once(this.#server, 'listening');

  constructor() {
    this.#server.on('connection', (socket, request) => {
      this.urls.push(request.url ?? '');
      this.sockets.add(socket);
      socket.binaryType = 'arraybuffer';
      socket.on('close', () => this.sockets.delete(socket));
      socket.send(writeHello({ protocol: 1, time: Date.now() + this.clockAheadMs, epoch: 'e', principal: ADA.id }));
      socket.send(writeStep1(Y.encodeStateVector(this.doc)));
      socket.on('message', (bytes) => {
        if (!(bytes instanceof ArrayBuffer)) return;
        const frame = readPeerFrame(new Uint8Array(bytes));
        if (frame.kind === 'step1') socket.send(writeStep2(Y.encodeStateAsUpdate(this.doc, frame.stateVector)));
        if (frame.kind === 'update') this.answer(frame.update, socket);
      });
    });
  }

  get syncUrl(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `ws://127.0.0.1:${address.port}/sync`;
  }

  take(update: Uint8Array, socket: WebSocket): void {
    const { to } = Y.parseUpdateMeta(update);
    if (to.size === 0) return;
    Y.applyUpdate(this.doc, update);
    socket.send(writeReceipt(to));
  }

  relay(change: () => void): void {
    this.doc.once('update', (update: Uint8Array) => {
      for (const socket of this.sockets) socket.send(writeUpdate(update));
    });
    change();
  }

  dropAll(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  async close(): Promise<void> {
    this.dropAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const soon = (assertion: () => void) => vi.waitFor(assertion, { timeout: 8_000, interval: 5 });

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(): Promise<ScriptedServer> {
  const server = new ScriptedServer();
  await server.isListening;
  closing.push(() => server.close());
  return server;
}

class MemoryShelf implements Shelf {
  readonly values = new Map<string, string>();
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.values.set(key, value);
  }
  removeItem(key: string): void {
    this.values.delete(key);
  }
}

function replicaOf(
  server: ScriptedServer,
  shelf: Shelf = new MemoryShelf(),
): { replica: SegmentReplica; changes: ReplicaChange[] } {
  const changes: ReplicaChange[] = [];
  const replica = new SegmentReplica({
    syncUrl: server.syncUrl,
    documentName: NAME,
    user: ADA,
    hasIndexedDb: false,
    shelf,
    isSharedBetweenTabs: false,
    onChange: (change) => changes.push(change),
  });
  closing.push(() => replica.close());
  return { replica, changes };
}

const say = (replica: SegmentReplica, body: string) => {
  const entry = replica.append({ kind: 'message', body, mentions: [] });
  if (entry === null) throw new Error('not appended');
  return entry.id;
};

const refuse = (server: ScriptedServer, entry: string, code: NackCode) => (_: Uint8Array, socket: WebSocket) => {
  server.answer = (update, next) => server.take(update, next);
  socket.send(writeNack({ entry, code, time: Date.now() + server.clockAheadMs, client: 1, clock: 0 }));
};

test('an entry shows a clock until the server says that it is saved', async () => {
  const server = await serve();
  const { replica } = replicaOf(server);
  const held: (() => void)[] = [];
  server.answer = (update, socket) => held.push(() => server.take(update, socket));
  const id = say(replica, 'hello');
  expect(replica.stateOf(id)).toBe('clock');
  replica.connect();
  await soon(() => expect(held.length).toBeGreaterThan(0));
  expect(replica.stateOf(id)).toBe('clock');
  for (const release of held) release();
  await soon(() => expect(replica.stateOf(id)).toBe('tick'));
});

test('asks for receipts and says who it is', async () => {
  const server = await serve();
  const { replica } = replicaOf(server);
  replica.connect();
  await soon(() => expect(replica.link.kind).toBe('live'));
  expect(server.urls).toEqual([`/sync/${NAME}?receipts=1&as=ada`]);
});

test('what is written while away is sent once on return, in order', async () => {
  const server = await serve();
  const { replica } = replicaOf(server);
  replica.connect();
  await soon(() => expect(replica.link.kind).toBe('live'));
  server.dropAll();
  await soon(() => expect(replica.link.kind).toBe('offline'));
  const ids = ['one', 'two', 'three'].map((body) => say(replica, body));
  await soon(() => expect(ids.map((id) => replica.stateOf(id))).toEqual(['tick', 'tick', 'tick']));
  const stored = readEntries(server.doc).sort((a, b) => a.at - b.at);
  expect(stored.map(({ id }) => id)).toEqual(ids);
});

test('what others wrote arrives, and counts as saved', async () => {
  const server = await serve();
  const { replica, changes } = replicaOf(server);
  replica.connect();
  await soon(() => expect(replica.link.kind).toBe('live'));
  const id = '01JBBBBBBBBBBBBBBBBBBBBBBB';
  server.relay(() =>
    entriesOf(server.doc).set(id, { id, kind: 'message', author: 'ben', at: 5, body: 'hi', mentions: [] }),
  );
  await soon(() => expect(replica.entries().map((entry) => entry.id)).toEqual([id]));
  expect(replica.stateOf(id)).toBe('tick');
  expect(changes).toContain('entries');
});

test('a refused message keeps its words, and Retry sends them as a new entry', async () => {
  const server = await serve();
  const { replica } = replicaOf(server);
  replica.connect();
  await soon(() => expect(replica.link.kind).toBe('live'));
  server.answer = () => undefined;
  const id = say(replica, 'precious');
  server.answer = refuse(server, id, 'permission');
  say(replica, 'next');
  await soon(() => expect(replica.stateOf(id)).toBe('unsent'));
  expect(replica.refusalOf(id)).toBe('permission');
  const again = replica.sendAnew(id);
  expect(again?.id).not.toBe(id);
  expect(replica.entries().flatMap((entry) => (entry.kind === 'message' ? [entry.body] : []))).toEqual([
    'next',
    'precious',
  ]);
});

test('an entry refused for its clock is minted anew by itself, by the office clock', async () => {
  const server = await serve();
  server.clockAheadMs = -600_000;
  const { replica } = replicaOf(server);
  const id = say(replica, 'from the future');
  server.answer = refuse(server, id, 'clock');
  replica.connect();
  await soon(() => expect(replica.entries().some((entry) => entry.id !== id)).toBe(true));
  const [entry] = replica.entries();
  expect(entry?.kind === 'message' && entry.body).toBe('from the future');
  expect(Math.abs(replica.officeNow() - (Date.now() - 600_000))).toBeLessThan(5_000);
});

test('a refused edit no longer counts', async () => {
  const server = await serve();
  const { replica } = replicaOf(server);
  replica.connect();
  await soon(() => expect(replica.link.kind).toBe('live'));
  const id = say(replica, 'text');
  const edit = replica.append({ kind: 'edit', target: id, body: 'other', mentions: [] });
  for (const socket of server.sockets) refuse(server, edit?.id ?? '', 'permission')(new Uint8Array(), socket);
  await soon(() => expect(replica.entries().map((entry) => entry.kind)).toEqual(['message']));
});

test('what breaks the form of an entry is not written at all', async () => {
  const { replica } = replicaOf(await serve());
  expect(replica.append({ kind: 'message', body: 'x'.repeat(20_001), mentions: [] })).toBeNull();
  expect(replica.append({ kind: 'message', body: '  ', mentions: [] })).toBeNull();
  expect(replica.entries()).toEqual([]);
});

test('a final close code ends the connection and says why', async () => {
  const server = await serve();
  const { replica } = replicaOf(server);
  replica.connect();
  await soon(() => expect(replica.link.kind).toBe('live'));
  for (const socket of server.sockets) socket.close(4403, 'no longer a member');
  await soon(() => expect(replica.link).toEqual({ kind: 'refused', code: 4403, reason: 'no longer a member' }));
});

test('words of a tab that closed before anything else kept them are sent by the next one, under their first id', async () => {
  const server = await serve();
  const shelf = new MemoryShelf();
  const first = replicaOf(server, shelf).replica;
  const id = say(first, 'last words');
  await first.close();
  const { replica } = replicaOf(server, shelf);
  expect(replica.entries().map((entry) => entry.id)).toEqual([id]);
  expect(replica.stateOf(id)).toBe('clock');
  replica.connect();
  await soon(() => expect(replica.stateOf(id)).toBe('tick'));
  expect(readEntries(server.doc).map((entry) => entry.id)).toEqual([id]);
  expect(shelf.values.size).toBe(0);
});

test('what the server got before the tab closed is not set again', async () => {
  const server = await serve();
  const shelf = new MemoryShelf();
  const first = replicaOf(server, shelf).replica;
  first.connect();
  await soon(() => expect(first.link.kind).toBe('live'));
  server.answer = (update) => Y.applyUpdate(server.doc, update);
  const id = say(first, 'heard but not receipted');
  await soon(() => expect(readEntries(server.doc)).toHaveLength(1));
  await first.close();
  server.answer = (update, socket) => server.take(update, socket);
  const before = Y.encodeStateVector(server.doc);
  const { replica } = replicaOf(server, shelf);
  replica.connect();
  await soon(() => expect(replica.stateOf(id)).toBe('tick'));
  expect(Y.encodeStateVector(server.doc)).toEqual(before);
});
