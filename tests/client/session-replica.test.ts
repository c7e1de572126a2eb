import { once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import * as Y from 'yjs';
import type { Shelf } from '../../client/sync/device.ts';
import { SessionReplica } from '../../client/sync/session-replica.ts';
import type { Entry } from '../../sync-server/protocol/entry.ts';
import { OFFICE_ERRORS } from '../../sync-server/protocol/errors.ts';
import {
  readPeerFrame,
  writeHello,
  writeNack,
  writeReceipt,
  writeStep1,
  writeStep2,
  writeUpdate,
} from '../../sync-server/protocol/frames.ts';
import { deriveId, isUlid, type SessionId } from '../../sync-server/protocol/ids.ts';
import { createLiveRow, finishLiveRow, readEntries, rowIdOf, writeEntry } from '../../sync-server/protocol/segment.ts';

const SESSION = sessionId('01JAAAAAAAAAAAAAAAAAAAAAAA');
const ADA = { id: 'ada', name: 'Ada' };

function sessionId(text: string): SessionId {
  if (!isUlid(text)) throw new Error('not a session id');
  return text;
}

/** The server's side of one session's segments, without its rules: what is taken is said by the test. */
class ScriptedSegments {
  readonly #server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  readonly #docs = new Map<number, Y.Doc>();
  readonly #sockets = new Map<number, Set<WebSocket>>();
  /** Segments that are asked for, in the order in which they were. */
  readonly joined: number[] = [];
  /** Entries that are refused because their segment is full, by segment. */
  readonly full = new Set<number>();
  /** The newest segment there is; whoever asks for a later one is sent away. */
  newest = 9;
  readonly isListening = once(this.#server, 'listening');

  constructor() {
    this.#server.on('connection', (socket, request) => {
      const segment = Number(/\/(\d+)\?/.exec(request.url ?? '')?.[1]);
      const doc = this.doc(segment);
      if (segment > this.newest) {
        socket.close(OFFICE_ERRORS.unknown.close, 'no such document');
        return;
      }
      this.joined.push(segment);
      const sockets = this.#sockets.get(segment) ?? new Set();
      this.#sockets.set(segment, sockets.add(socket));
      socket.binaryType = 'arraybuffer';
      socket.on('close', () => sockets.delete(socket));
      socket.send(writeHello({ protocol: 1, time: Date.now(), epoch: 'e', principal: ADA.id }));
      socket.send(writeStep1(Y.encodeStateVector(doc)));
      socket.on('message', (bytes) => {
        if (!(bytes instanceof ArrayBuffer)) return;
        const frame = readPeerFrame(new Uint8Array(bytes));
        if (frame.kind === 'step1') socket.send(writeStep2(Y.encodeStateAsUpdate(doc, frame.stateVector)));
        if (frame.kind === 'update') this.#take(segment, frame.update, socket);
      });
    });
  }

  get syncUrl(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `ws://127.0.0.1:${address.port}/sync`;
  }

  doc(segment: number): Y.Doc {
    const found = this.#docs.get(segment);
    if (found) return found;
    const doc = new Y.Doc();
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      for (const socket of this.#sockets.get(segment) ?? []) if (socket !== origin) socket.send(writeUpdate(update));
    });
    this.#docs.set(segment, doc);
    return doc;
  }

  /** Who is connected to it. */
  count(segment: number): number {
    return this.#sockets.get(segment)?.size ?? 0;
  }

  bodies(segment: number): string[] {
    const entries = readEntries(this.doc(segment)).sort((a, b) => a.at - b.at);
    return entries.flatMap((entry) => (entry.kind === 'message' ? [entry.body] : []));
  }

  seal(segment: number): void {
    const sealed: Entry = {
      id: officeId(segment),
      kind: 'sealed',
      author: 'office',
      at: Date.now(),
      next: segment + 1,
    };
    writeEntry(this.doc(segment), sealed);
  }

  #take(segment: number, update: Uint8Array, socket: WebSocket): void {
    const { to } = Y.parseUpdateMeta(update);
    if (to.size === 0) return;
    if (this.full.has(segment)) {
      const copy = new Y.Doc();
      Y.applyUpdate(copy, update);
      for (const { id } of readEntries(copy)) {
        socket.send(writeNack({ entry: id, code: 'sealed', time: Date.now(), client: 1, clock: 0 }));
      }
      return;
    }
    Y.applyUpdate(this.doc(segment), update, socket);
    socket.send(writeReceipt(to));
  }

  async close(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const officeId = (segment: number) => deriveId('sealed', SESSION, String(segment));

const soon = (assertion: () => void) => vi.waitFor(assertion, { timeout: 8_000, interval: 5 });

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(): Promise<ScriptedSegments> {
  const server = new ScriptedSegments();
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

interface Opened {
  readonly replica: SessionReplica;
  readonly retired: Map<number, readonly Entry[]>;
}

function open(
  server: ScriptedSegments,
  { live = 1, shelf = new MemoryShelf() }: { live?: number; shelf?: Shelf } = {},
) {
  const retired = new Map<number, readonly Entry[]>();
  const replica = new SessionReplica({
    syncUrl: server.syncUrl,
    sessionId: SESSION,
    live,
    user: ADA,
    hasIndexedDb: false,
    shelf,
    isSharedBetweenTabs: false,
    onChange: () => undefined,
    onRetired: (segment, entries) => retired.set(segment, entries),
  });
  closing.push(() => replica.close());
  return { replica, retired } satisfies Opened;
}

const say = (replica: SessionReplica, body: string) => {
  const entry = replica.append({ kind: 'message', body, mentions: [] });
  if (entry === null) throw new Error('not appended');
  return entry;
};
const isSaved = (replica: SessionReplica) => soon(() => expect(replica.unsettled()).toEqual([]));

test('[CL2] when the live segment ends, new entries go to the next, and the old one retires once its own are saved', async () => {
  const server = await serve();
  const { replica, retired } = open(server);
  replica.connect();
  say(replica, 'in the first');
  await isSaved(replica);
  server.seal(1);
  await soon(() => expect(replica.newest).toBe(2));
  say(replica, 'in the second');
  await isSaved(replica);
  await soon(() => expect(replica.open).toEqual([2]));
  await soon(() => expect(server.count(1)).toBe(0));
  expect(server.bodies(1)).toEqual(['in the first']);
  expect(server.bodies(2)).toEqual(['in the second']);
  expect(retired.get(1)?.flatMap((entry) => (entry.kind === 'message' ? [entry.body] : []))).toEqual(['in the first']);
});

test('the link stays live through the change of segments, and typing is told in the next', async () => {
  const server = await serve();
  const { replica } = open(server);
  const { replica: ben } = open(server, { shelf: new MemoryShelf() });
  const links: string[] = [];
  replica.connect();
  await soon(() => expect(replica.link.kind).toBe('live'));
  replica.setTyping(true);
  server.seal(1);
  await soon(() => {
    links.push(replica.link.kind);
    expect(replica.open).toEqual([2]);
  });
  expect(new Set(links)).toEqual(new Set(['live']));
  expect(replica.people()).toEqual([{ ...ADA, isTyping: true }]);
  expect(ben.newest).toBe(1);
});

test('an order of times holds across segments, whatever the clocks of others said', async () => {
  const server = await serve();
  const { replica } = open(server);
  replica.connect();
  await soon(() => expect(replica.link.kind).toBe('live'));
  const ahead = Date.now() + 60_000;
  const words = { body: 'ahead', mentions: [] };
  writeEntry(server.doc(1), { id: makeId(1), kind: 'message', author: 'ben', at: ahead, ...words });
  server.seal(1);
  await soon(() => expect(replica.newest).toBe(2));
  expect(say(replica, 'after that').at).toBe(ahead + 1);
});

test('[CL1] somebody who returns after two rolls sends what they wrote where they wrote it, and follows to the live segment', async () => {
  const server = await serve();
  const shelf = new MemoryShelf();
  const first = open(server, { shelf });
  const id = say(first.replica, 'written while away').id;
  await first.replica.close();
  server.seal(1);
  server.seal(2);
  const { replica } = open(server, { shelf, live: 3 });
  expect(replica.open).toEqual([1, 3]);
  expect(replica.unsettled().map(({ entry }) => entry.id)).toEqual([id]);
  replica.connect();
  await soon(() => expect(replica.open).toEqual([3]));
  expect(server.bodies(1)).toEqual(['written while away']);
  await replica.close();
  const joined = server.joined.length;
  const again = open(server, { shelf, live: 3 }).replica;
  again.connect();
  await soon(() => expect(again.link.kind).toBe('live'));
  expect(server.joined.slice(joined)).toEqual([3]);
});

test('[CL1] a device that has only heard of an older segment follows the chain to its end', async () => {
  const server = await serve();
  for (const segment of [1, 2, 3]) server.seal(segment);
  const { replica } = open(server);
  replica.connect();
  await soon(() => expect(replica.open).toEqual([4]));
  say(replica, 'at the end');
  await soon(() => expect(server.bodies(4)).toEqual(['at the end']));
});

test('after a leap the segment shown last is shown until the newest has come', async () => {
  const server = await serve();
  const { replica } = open(server);
  replica.connect();
  say(replica, 'shown');
  await isSaved(replica);
  replica.follow(5);
  expect([replica.shownNewest, replica.newest]).toEqual([1, 5]);
  await soon(() => expect(replica.shownNewest).toBe(5));
  await soon(() => expect(replica.open).toEqual([5]));
});

test('where the office lost segments to a backup, entries go to the one that it says is live, and further on once it does', async () => {
  const server = await serve();
  const shelf = new MemoryShelf();
  server.seal(1);
  server.seal(2);
  const first = open(server, { shelf }).replica;
  first.connect();
  await soon(() => expect(first.open).toEqual([3]));
  await first.close();
  server.newest = 1;
  const { replica } = open(server, { shelf, live: 1 });
  replica.connect();
  await soon(() => expect([replica.newest, replica.link.kind]).toEqual([1, 'live']));
  say(replica, 'after the restore');
  await soon(() => expect(server.bodies(1)).toEqual(['after the restore']));
  server.newest = 2;
  replica.follow(2);
  await soon(() => expect([replica.newest, replica.link.kind]).toEqual([2, 'live']));
});

test('[CL3] what a full segment refused is sent by itself in the live one, once, with what refers to it', async () => {
  const server = await serve();
  server.full.add(1);
  const { replica } = open(server);
  const { id } = say(replica, 'too late for the first');
  server.seal(1);
  replica.connect();
  await soon(() => expect(server.bodies(2)).toEqual(['too late for the first']));
  await isSaved(replica);
  replica.append({ kind: 'edit', target: id, body: 'better', mentions: [] });
  await isSaved(replica);
  const [sent] = readEntries(server.doc(2)).filter(({ kind }) => kind === 'message');
  const edit = readEntries(server.doc(2)).find((entry) => entry.kind === 'edit');
  expect(edit?.kind === 'edit' && edit.target).toBe(sent?.id);
  await soon(() => expect(replica.open).toEqual([2]));
});

test('[CL1] what changes an entry that has not left yet goes with it', async () => {
  const server = await serve();
  const { replica } = open(server);
  const { id } = say(replica, 'not sent yet');
  replica.follow(2);
  replica.append({ kind: 'edit', target: id, body: 'changed', mentions: [] });
  replica.connect();
  await soon(() => expect(readEntries(server.doc(1)).map(({ kind }) => kind)).toContain('edit'));
  expect(readEntries(server.doc(2))).toEqual([]);
});

test('[CL2] a segment that has ended stays open while an agent writes in it, or an open turn is followed there', async () => {
  const server = await serve();
  const { replica } = open(server, { live: 2 });
  const turn = officeId(9);
  const fields = { turn, attempt: 1, agent: 'daena', cause: 'c', step: 'answer' as const, at: 1 };
  createLiveRow(server.doc(1), { ...fields, model: 'm', isRehearsed: false }).text.insert(0, 'so far');
  server.seal(1);
  replica.watch(new Set([1]));
  replica.connect();
  await soon(() => expect(replica.rows().map(({ text }) => text)).toEqual(['so far']));
  replica.watch(new Set());
  await soon(() => expect(replica.hasBeenLive).toBe(true));
  expect(replica.open).toEqual([1, 2]);
  finishLiveRow(server.doc(1), rowIdOf(turn, 1), { ...replied, at: Date.now() });
  await soon(() => expect(replica.open).toEqual([2]));
});

const replied = {
  id: officeId(9),
  kind: 'reply',
  author: 'daena',
  cause: makeId(2),
  step: 'answer',
  attempt: 1,
  outcome: 'done',
  body: 'said',
} as const;

function makeId(number: number): Entry['id'] {
  const id = `01J${String(number).padStart(23, '0')}`;
  if (!isUlid(id)) throw new Error('not an id');
  return id;
}
