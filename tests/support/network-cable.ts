// The way from one browser to the office, as an HTTP proxy that a test can cut: what browsers offer for being offline
// leaves WebSockets alone.
import { createServer, request, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { BrowserContext } from 'playwright-core';

export class NetworkCable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #port: number;
  #isCut = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    server.on('connection', (socket) => this.#take(socket));
    // Plain requests come with their whole address, sockets ask for a tunnel.
    server.on('request', (incoming, answer) => {
      const { method, headers, url = '' } = incoming;
      const outgoing = request(url, { method, headers }, (found) => {
        answer.writeHead(found.statusCode ?? 502, found.rawHeaders);
        found.pipe(answer);
      });
      outgoing.on('socket', (socket) => this.#take(socket));
      outgoing.on('error', () => answer.destroy());
      answer.on('close', () => outgoing.destroy());
      incoming.pipe(outgoing);
    });
    server.on('connect', (incoming, socket: Socket, head) => {
      const { hostname, port } = new URL(`http://${incoming.url}`);
      const far = connect(Number(port), hostname, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        far.write(head);
        socket.pipe(far).pipe(socket);
      });
      this.#take(far);
      far.on('close', () => socket.destroy());
      socket.on('close', () => far.destroy());
    });
  }

  static async lay(): Promise<NetworkCable> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    return new NetworkCable(server, address.port);
  }

  /** What a browser is given as its proxy. */
  get address(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Nothing gets through any more, and the browser knows that it is offline. */
  async cut(context: BrowserContext): Promise<void> {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
    await context.setOffline(true);
  }

  async mend(context: BrowserContext): Promise<void> {
    this.#isCut = false;
    await context.setOffline(false);
  }

  async remove(): Promise<void> {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #take(socket: Socket): void {
    if (this.#isCut) socket.destroy();
    // A connection to the office serves one request after another.
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    // What breaks here is what the test is about; both ends learn of it by the close.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
