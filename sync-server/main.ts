/** The server's process: settings in, office open, listening; and back again on a signal. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { answerBackupRequest } from './backup-requests.ts';
import { systemClock } from './clock.ts';
import { readConfig, type ServerConfig } from './config.ts';
import { createLogger, reasonOf } from './logger.ts';
import { type Office, openOffice } from './office.ts';
import { isLoopbackHost, TrustedOrigins } from './origins.ts';
import { OfficeError } from './protocol/errors.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { welcome } from './welcome.ts';

/** The exit code for what a restart won't mend: the supervisor shows the message and gives up. */
const EXIT_FATAL = 78;
/** Where the launcher's messages go; nobody listens where the server was started by hand, or the launcher is gone. */
const tell = (message: unknown): void => {
  if (process.connected) process.send?.(message);
};

const logger = createLogger((line) => process.stdout.write(`${line}\n`));

/** Listens; rejects with a sentence for a taken port and the like. */
function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const place = `${host}:${port}`;
      if (error.code === 'EADDRINUSE')
        reject(new OfficeError('conflict', `another program listens on ${place} already; choose another --port`));
      else if (error.code === 'EACCES')
        reject(new OfficeError('forbidden', `this user may not listen on ${place}; choose another --port`));
      else reject(new OfficeError('internal', `cannot listen on ${place}: ${error.message}`));
    });
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === 'string')
        reject(new OfficeError('internal', 'no address to listen on'));
      else resolve(address);
    });
  });
}

async function start(config: ServerConfig): Promise<void> {
  const scheme = config.tls ? 'https' : 'http';
  const server = config.tls ? createTlsServer(config.tls) : createServer();
  // Only the worker on this machine uses it: it needs no certificate to reach the office next to it.
  const internal = config.tls ? createServer() : null;
  // Before the office opens: the address must be known before links and cookies can be made for it.
  const { port } = await listen(server, config.port, config.host);
  const internalPort = internal ? (await listen(internal, 0, '127.0.0.1')).port : port;
  const shownHost = ['0.0.0.0', '::', ''].includes(config.host) ? '127.0.0.1' : config.host;
  const address = `${scheme}://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${port}`;
  const internalHost = internal || isLoopbackHost(shownHost) ? '127.0.0.1' : shownHost;
  const internalUrl = `http://${internalHost === '127.0.0.1' && shownHost === '::1' ? '[::1]' : internalHost}:${internalPort}`;
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const opening = openOffice({
    config,
    version: String(version),
    origins: new TrustedOrigins(scheme, port, config.host, config.trustedOrigins),
    baseUrl: () => address,
    clock: systemClock,
    logger,
  });
  for (const each of internal ? [server, internal] : [server]) serve(each, opening);
  const office = await opening;
  office.run();
  process.on('message', (message) => void answerBackupRequest(message, (request) => office.backUp(request), tell));
  stopOnSignals(office, internal ? [server, internal] : [server], logger);
  const ownerLink = await firstOwner(office, config, address);
  logger.info('ready', { address });
  tell({ type: 'ready', address, internalUrl, ownerLink });
}

/** Serves an office. Who comes while it opens waits for it: a peer that comes back at once would otherwise hear nothing. */
function serve(server: Server, opening: Promise<Office>): void {
  const listening = opening.then((office) => getRequestListener(office.app.fetch));
  // Where the office cannot be opened, `start` says why and the process ends.
  const giveUp = (): void => undefined;
  listening.catch(giveUp);
  server.on('request', (request, response) => void listening.then((listener) => listener(request, response), giveUp));
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', (error) => logger.info('a socket broke', { reason: error.message }));
    opening.then((office) => office.upgrades.upgrade(request, socket, head), giveUp);
  });
}

/** Makes the owner that the settings name, or a one-time link; null where there is an owner. */
async function firstOwner(office: Office, config: ServerConfig, address: string): Promise<string | null> {
  if (office.accounts.hasOwner()) return null;
  if (!config.owner) return `${address}/setup#${office.accounts.issueOwnerLink()}`;
  const { email, password } = config.owner;
  const name = email.split('@')[0] ?? email;
  const { person } = await office.accounts.createOwner({ token: null, email, password, name });
  await welcome(person, office.sessions);
  return null;
}

function fatal(message: string): void {
  logger.error(message);
  const exit = (): never => process.exit(EXIT_FATAL);
  if (process.send) process.send({ type: 'fatal', message }, exit);
  else exit();
}

const result = readConfig(process.env);
if ('problems' in result) fatal(result.problems.join('; '));
else start(result.config).catch((error: unknown) => fatal(reasonOf(error)));
