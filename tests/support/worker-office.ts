/**
 * The server as an agent worker meets it: its link, and rooms that sync as y-websocket's own do and give receipts.
 * It judges nothing (no gate, no leases): tests say what it does. Its documents outlive its restarts.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import * as Y from 'yjs';
import {
  PROTOCOL_VERSION,
  readPeerFrame,
  writeHello,
  writeNack,
  writeReceipt,
  writeStep1,
  writeStep2,
  writeUpdate,
} from '../../sync-server/protocol/frames.ts';
import {
  type Lease,
  type ServerMessage,
  type WorkerMessage,
  workerMessageSchema,
} from '../../sync-server/protocol/worker-link.ts';

export const WORKER_TOKEN = 'token-of-the-test';

interface PeerSocket {
  readonly socket: WebSocket;
  readonly document: string;
  readonly turn: string | null;
}

export class WorkerOffice {
  /** What the worker said, over all connections. */
  readonly messages: WorkerMessage[] = [];
  /** What its link and its peers asked for, with the token they showed. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[] = [];
  /** Ahead of this machine's clock, in ms: said in every hello. */
  clockAheadMs = 0;
  givesReceipts = true;
  readonly #documents = new Map<string, Y.Doc>();
  readonly #peers = new Set<PeerSocket>();
  #server: Server | null = null;
  #link: WebSocket | null = null;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get hasLink(): boolean {
    return this.#link !== null;
  }

  /** Listens: the first time on a free port, then on the same again. */
  async start(): Promise<void> {
    const server = createServer();
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (opened) => this.#accept(opened, request)),
    );
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(this.#port, '127.0.0.1', resolve);
    await promise;
    const address = server.address();
    if (typeof address === 'object' && address) this.#port = address.port;
    this.#server = server;
  }

  /** Gone at once, as a killed process is. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    this.#link?.terminate();
    for (const { socket } of this.#peers) socket.terminate();
    server.closeAllConnections();
    await promise;
  }

  document(name: string): Y.Doc {
    const known = this.#documents.get(name);
    if (known) return known;
    const made = new Y.Doc();
    this.#documents.set(name, made);
    return made;
  }

  give(lease: Lease): void {
    this.#say({ type: 'job', lease });
  }

  abort({ turn, attempt }: Pick<Lease, 'turn' | 'attempt'>): void {
    this.#say({ type: 'abort', turn, attempt });
  }

  /** Closes the sockets of a lease's peer. */
  closePeer(lease: Lease, code: number): void {
    for (const peer of this.#peers) if (peer.turn === lease.turn) peer.socket.close(code, 'by the test');
  }

  nack(lease: Lease): void {
    const nack = writeNack({
      entry: lease.turn,
      code: 'permission',
      time: Date.now(),
      client: lease.clientId,
      clock: 0,
    });
    for (const peer of this.#peers) if (peer.turn === lease.turn) peer.socket.send(nack);
  }

  hasPeer(lease: Lease): boolean {
    return [...this.#peers].some(({ turn }) => turn === lease.turn);
  }

  said<Type extends WorkerMessage['type']>(type: Type): Extract<WorkerMessage, { type: Type }>[] {
    // reason: filter can't narrow a union by a type parameter
    return this.messages.filter((message) => message.type === type) as Extract<WorkerMessage, { type: Type }>[];
  }

  #say(message: ServerMessage): void {
    if (!this.#link) throw new Error('the worker is not connected');
    this.#link.send(JSON.stringify(message));
  }

  #accept(socket: WebSocket, request: IncomingMessage): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://office');
    const { authorization } = request.headers;
    this.requests.push({ path: pathname, authorization });
    socket.on('error', () => socket.terminate());
    if (authorization !== `Bearer ${WORKER_TOKEN}`) socket.close(4401);
    else if (pathname === '/internal/worker') this.#acceptLink(socket);
    else {
      const document = decodeURIComponent(pathname.replace(/^\/sync\//, ''));
      this.#acceptPeer({ socket, document, turn: searchParams.get('turn') });
    }
  }

  #acceptLink(socket: WebSocket): void {
    this.#link = socket;
    socket.on('message', (bytes) => {
      this.messages.push(workerMessageSchema.parse(JSON.parse(bytes.toString())));
    });
    socket.on('close', () => {
      if (this.#link === socket) this.#link = null;
    });
  }

  #acceptPeer(peer: PeerSocket): void {
    const { socket } = peer;
    const doc = this.document(peer.document);
    this.#peers.add(peer);
    const relay = (update: Uint8Array, origin: unknown) => {
      if (origin !== peer) socket.send(writeUpdate(update));
    };
    doc.on('update', relay);
    socket.on('close', () => {
      doc.off('update', relay);
      this.#peers.delete(peer);
    });
    socket.on('message', (bytes) => this.#receive(peer, doc, toBytes(bytes)));
    const time = Date.now() + this.clockAheadMs;
    socket.send(writeHello({ protocol: PROTOCOL_VERSION, time, epoch: 'test', principal: 'worker' }));
    socket.send(writeStep1(Y.encodeStateVector(doc)));
  }

  #receive(peer: PeerSocket, doc: Y.Doc, bytes: Uint8Array): void {
    const frame = readPeerFrame(bytes);
    if (frame.kind === 'step1') peer.socket.send(writeStep2(Y.encodeStateAsUpdate(doc, frame.stateVector)));
    if (frame.kind !== 'update') return;
    Y.applyUpdate(doc, frame.update, peer);
    const clients = [...Y.parseUpdateMeta(frame.update).to.keys()];
    if (!this.givesReceipts || clients.length === 0) return;
    peer.socket.send(writeReceipt(new Map(clients.map((client) => [client, Y.getState(doc.store, client)]))));
  }
}

function toBytes(raw: unknown): Uint8Array {
  if (raw instanceof Uint8Array) return raw;
  throw new TypeError('a frame comes as one buffer');
}
