// The server as its own program runs it, but with segments that are full after a few entries (the first argument).
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { systemClock } from '../../../sync-server/clock.ts';
import { readConfig } from '../../../sync-server/config.ts';
import { createLogger } from '../../../sync-server/logger.ts';
import { openOffice } from '../../../sync-server/office.ts';
import { TrustedOrigins } from '../../../sync-server/origins.ts';
import { SEGMENT_LIMITS } from '../../../sync-server/room/segment-roll.ts';

const entries = Number(process.argv[2]);
const read = readConfig(process.env);
if ('problems' in read) throw new Error(read.problems.join('; '));
const { config } = read;
const server = createServer();
await new Promise<void>((resolve) => server.listen(config.port, config.host, resolve));
const bound = server.address();
if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a port');
const address = `http://127.0.0.1:${bound.port}`;
const office = await openOffice({
  config,
  version: '0.0.0',
  origins: new TrustedOrigins('http', bound.port, config.host, []),
  baseUrl: () => address,
  clock: systemClock,
  logger: createLogger((line) => process.stdout.write(`${line}\n`)),
  segmentLimits: { ...SEGMENT_LIMITS, entries },
});
const listener = getRequestListener(office.app.fetch);
server.on('request', (request, response) => void listener(request, response));
server.on('upgrade', (request, socket, head) => office.upgrades.upgrade(request, socket, head));
office.run();
if (config.owner && !office.accounts.hasOwner()) {
  const { email, password } = config.owner;
  await office.accounts.createOwner({ token: null, email, password, name: email.split('@')[0] ?? email });
}
const stop = (): void => void office.close().finally(() => process.exit(0));
process.on('disconnect', stop);
process.on('message', stop);
process.send?.({ type: 'ready', address, internalUrl: address, ownerLink: null });
