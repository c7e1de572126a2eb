// y-websocket's own server with its LevelDB store: node y-websocket.mjs <folder>
import { createServer } from 'node:http';

const [folder] = process.argv.slice(2);
process.env.YPERSISTENCE = folder;
const { getPersistence, setupWSConnection } = await import('@y/websocket-server/utils');
const { WebSocketServer } = await import('ws');

const server = createServer();
// As its own server.js does it.
const sockets = new WebSocketServer({ noServer: true });
sockets.on('connection', setupWSConnection);
server.on('upgrade', (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (webSocket) => sockets.emit('connection', webSocket, request));
});

server.listen(0, '127.0.0.1', () => {
  process.send?.({ type: 'ready', address: `http://127.0.0.1:${server.address().port}` });
});
process.on('SIGTERM', () => {
  getPersistence()
    .provider.destroy()
    .finally(() => process.exit(0));
});
