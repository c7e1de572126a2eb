import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { onTestFinished } from 'vitest';
import type { UpdateLog } from '../../persistence/log/update-log.ts';
import type { Clock } from '../../sync-server/clock.ts';
import { createLogger } from '../../sync-server/logger.ts';
import { openOffice } from '../../sync-server/office.ts';
import { TrustedOrigins } from '../../sync-server/origins.ts';
import type { SegmentLimits } from '../../sync-server/room/segment-roll.ts';
import { ManualClock } from './manual-clock.ts';
import { OWNER, type Signed, signIn } from './office-people.ts';
import { tempFolder } from './temp-folder.ts';

export interface HeldOffice {
  readonly url: string;
  readonly owner: Signed;
  readonly clock: ManualClock;
  readonly dataFolder: string;
  /** Stops it; the end of the test does so too. */
  close(): Promise<void>;
  /** The office's figures, as Prometheus would read them. */
  gauge(name: string): Promise<number>;
}

/** An office in this process: its clock stands still, and its log can be one that holds or refuses commits. */
export async function openHeldOffice(
  parts: {
    log?: UpdateLog;
    /** Opens the log in the data folder. */
    openLog?: (folder: string) => Promise<UpdateLog>;
    clock?: ManualClock;
    /** An earlier office's data, its owner included; a new office where nothing is said. */
    dataFolder?: string;
    segmentLimits?: SegmentLimits;
  } = {},
): Promise<HeldOffice> {
  const clock = parts.clock ?? new ManualClock();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // reason: a server that listens on TCP has such an address
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const { log, segmentLimits } = parts;
  const openLog = log ? async () => log : parts.openLog;
  const dataFolder = parts.dataFolder ?? tempFolder();
  const office = await openOffice({
    config: {
      host: '127.0.0.1',
      port,
      dataFolder,
      tls: null,
      trustedOrigins: [],
      owner: OWNER,
      clientFolder: null,
      durability: 'process',
    },
    version: '0.0.0',
    origins: new TrustedOrigins('http', port, '127.0.0.1', []),
    baseUrl: () => url,
    clock: clock satisfies Clock,
    logger: createLogger(() => undefined),
    ...(openLog && { openLog }),
    ...(segmentLimits && { segmentLimits }),
  });
  const listener = getRequestListener(office.app.fetch);
  server.on('request', (request, response) => void listener(request, response));
  server.on('upgrade', (request, socket, head) => office.upgrades.upgrade(request, socket, head));
  office.run();
  if (parts.dataFolder === undefined) await office.accounts.createOwner({ token: null, name: 'owner', ...OWNER });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= office.close().then(() => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    });
    return closing;
  };
  onTestFinished(close);
  const owner = await signIn(() => url);
  return {
    url,
    owner,
    clock,
    dataFolder,
    close,
    gauge: async (name) => {
      const { text } = await owner.caller.request('GET', '/metrics');
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
    },
  };
}
