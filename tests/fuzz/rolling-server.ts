// The server with segments that are soon full. Told so, it dies the moment a segment's end is on the disk: before anybody
// hears of it, and before the next segment is begun.
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { openLevelUpdateLog } from '../../persistence/log/level-update-log.ts';
import type { UpdateLog } from '../../persistence/log/update-log.ts';
import { systemClock } from '../../sync-server/clock.ts';
import { readConfig } from '../../sync-server/config.ts';
import { createLogger } from '../../sync-server/logger.ts';
import { openOffice } from '../../sync-server/office.ts';
import { TrustedOrigins } from '../../sync-server/origins.ts';
import { stopOnSignals } from '../../sync-server/stop-on-signals.ts';
import { SMALL_SEGMENTS } from './small-segments.ts';

/** The kind of the entry that ends a segment, as it stands in an update. */
const SEALED = 'sealed';

const read = readConfig(process.env);
if ('problems' in read) throw new Error(read.problems.join('; '));
const { config } = read;
const server = createServer();
await new Promise<void>((resolve) => server.listen(config.port, config.host, resolve));
const address = server.address();
if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
const url = `http://127.0.0.1:${address.port}`;
const logger = createLogger((line) => process.stdout.write(`${line}\n`));

let isToDie = false;
process.on('message', (message) => {
  if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'die-at-seal')
    isToDie = true;
});

async function openLog(folder: string): Promise<UpdateLog> {
  const log = await openLevelUpdateLog(folder, { durability: config.durability });
  const append = log.append.bind(log);
  log.append = async (record) => {
    const clock = await append(record);
    if (isToDie && Buffer.from(record.update).includes(SEALED)) process.kill(process.pid, 'SIGKILL');
    return clock;
  };
  return log;
}

const opening = openOffice({
  config,
  version: '0.0.0',
  origins: new TrustedOrigins('http', address.port, '127.0.0.1', []),
  baseUrl: () => url,
  clock: systemClock,
  logger,
  openLog,
  segmentLimits: SMALL_SEGMENTS,
});
server.on('request', (request, response) => {
  void opening.then((office) => getRequestListener(office.app.fetch)(request, response));
});
server.on('upgrade', (request, socket, head) => {
  void opening.then((office) => office.upgrades.upgrade(request, socket, head));
});
const office = await opening;
office.run();
stopOnSignals(office, [server], logger);
if (config.owner && !office.accounts.hasOwner()) {
  await office.accounts.createOwner({ token: null, name: 'owner', ...config.owner });
}
process.send?.({ type: 'ready', address: url, internalUrl: url, ownerLink: null });
