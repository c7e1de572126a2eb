// The floor of the comparison: a relay that hands every frame to everyone else in the room. No document, no disk.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const server = createServer();
const sockets = new WebSocketServer({ server });
const rooms = new Map();

sockets.on('connection', (socket, request) => {
  const name = request.url ?? '/';
  const room = rooms.get(name) ?? new Set();
  rooms.set(name, room.add(socket));
  socket.on('message', (frame) => {
    for (const peer of room) if (peer !== socket) peer.send(frame);
  });
  socket.on('close', () => {
    room.delete(socket);
    if (room.size === 0) rooms.delete(name);
  });
});

server.listen(0, '127.0.0.1', () => {
  process.send?.({ type: 'ready', address: `http://127.0.0.1:${server.address().port}` });
});
process.on('SIGTERM', () => process.exit(0));
