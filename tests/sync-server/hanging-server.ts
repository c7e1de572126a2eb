// A server whose disk hangs as soon as somebody says so in a message, as a broken one does: its write never ends.
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { MemoryUpdateLog } from '../../persistence/log/memory-update-log.ts';
import { systemClock } from '../../sync-server/clock.ts';
import { readConfig } from '../../sync-server/config.ts';
import { createLogger } from '../../sync-server/logger.ts';
import { openOffice } from '../../sync-server/office.ts';
import { TrustedOrigins } from '../../sync-server/origins.ts';
import { stopOnSignals } from '../../sync-server/stop-on-signals.ts';

const HANG = 'the disk hangs';

const read = readConfig(process.env);
if ('problems' in read) throw new Error(read.problems.join('; '));
const { config } = read;
const server = createServer();
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
const url = `http://127.0.0.1:${address.port}`;
const logger = createLogger((line) => process.stdout.write(`${line}\n`));
const log = new MemoryUpdateLog({
  beforeCommit: async (records) => {
    if (records.some(({ update }) => Buffer.from(update).includes(HANG))) await new Promise(() => undefined);
  },
});
const office = await openOffice({
  config,
  version: '0.0.0',
  origins: new TrustedOrigins('http', address.port, '127.0.0.1', []),
  baseUrl: () => url,
  clock: systemClock,
  logger,
  openLog: async () => log,
});
const listener = getRequestListener(office.app.fetch);
server.on('request', (request, response) => void listener(request, response));
server.on('upgrade', (request, socket, head) => office.upgrades.upgrade(request, socket, head));
office.run();
if (config.owner) await office.accounts.createOwner({ token: null, name: 'owner', ...config.owner });
stopOnSignals(office, [server], logger);
process.send?.({ type: 'ready', address: url, internalUrl: url, ownerLink: null });
