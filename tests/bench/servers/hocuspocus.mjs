// Hocuspocus as it comes, with its SQLite extension: node hocuspocus.mjs <folder>
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { SQLite } from '@hocuspocus/extension-sqlite';
import { Server } from '@hocuspocus/server';

const [folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

/** Hocuspocus takes port 0 for "not given", so the free port is found first. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const port = await freePort();
const server = new Server({
  address: '127.0.0.1',
  quiet: true,
  stopOnSignals: false,
  extensions: [new SQLite({ database: join(folder, 'documents.sqlite') })],
});
await server.listen(port);
process.send?.({ type: 'ready', address: `http://127.0.0.1:${port}` });
process.on('SIGTERM', () => {
  server.destroy().finally(() => process.exit(0));
});
