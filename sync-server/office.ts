/**
 * The office put together: stores, rooms, projection, scheduler, sockets and HTTP, in the order in which they need each
 * other. Nothing here decides anything; it says who speaks to whom.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Accounts, createAccounts } from '../persistence/accounts/accounts.ts';
import { readOrCreateSecret } from '../persistence/accounts/secret-files.ts';
import { makeBackup } from '../persistence/backup/make-backup.ts';
import { DATABASE } from '../persistence/backup/manifest.ts';
import { openOfficeDatabase } from '../persistence/backup/migrate-safely.ts';
import { CouncilStore } from '../persistence/councils/council-store.ts';
import { openLevelUpdateLog } from '../persistence/log/level-update-log.ts';
import type { UpdateLog } from '../persistence/log/update-log.ts';
import { readOrCreateEpoch } from '../persistence/office/office-facts.ts';
import { ProjectionThread } from '../persistence/projection/projection-thread.ts';
import { QUARANTINE, Quarantine } from '../persistence/quarantine/quarantine.ts';
import type { BackupRequest } from './backup-requests.ts';
import { Backups } from './backups.ts';
import { Caller } from './caller.ts';
import { catchUp } from './catch-up.ts';
import type { Clock } from './clock.ts';
import type { ServerConfig } from './config.ts';
import { Councils } from './councils.ts';
import { createApp } from './http/app.ts';
import type { App } from './http/mount.ts';
import { LeaseRegistry } from './leases.ts';
import { type Logger, reasonOf } from './logger.ts';
import { OfficeHealth } from './office-health.ts';
import type { TrustedOrigins } from './origins.ts';
import { openReadModel } from './read-model.ts';
import type { LiveRooms } from './room/live-rooms.ts';
import type { Room } from './room/room.ts';
import type { Rooms } from './room/rooms.ts';
import { SEGMENT_LIMITS, type SegmentLimits } from './room/segment-roll.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { Sessions } from './sessions.ts';
import { EventStreams } from './sockets/event-streams.ts';
import { HeldSockets } from './sockets/held-sockets.ts';
import { Upgrades } from './sockets/upgrades.ts';
import { serveWorkerSocket } from './sockets/worker-socket.ts';
import { Tally } from './tally.ts';
import { wireProjection } from './wire-projection.ts';
import { wireRooms } from './wire-rooms.ts';

/** Turns may take this long to come to rest when the office stops, in ms; half of what stopping may take in all. */
const DRAIN_MS = 4_500;
/** The thread that projects keeps SQLite's write-ahead log short; this connection does only where that fails. */
const RARE_CHECKPOINT_PAGES = 40_000;

export interface OfficeParts {
  readonly config: ServerConfig;
  readonly version: string;
  readonly origins: TrustedOrigins;
  /** Where people reach this office, known once it listens. */
  readonly baseUrl: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Opens the update log in a folder; the one on the disk where nothing is said. */
  readonly openLog?: (folder: string) => Promise<UpdateLog>;
  /** When a segment is full; the protocol's limits where nothing is said. */
  readonly segmentLimits?: SegmentLimits;
}

export interface Office {
  readonly app: App;
  readonly upgrades: Upgrades;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  /** Takes work from here on: what was interrupted goes on. */
  run(): void;
  /** Makes a backup beside its work and answers its folder. One at a time; rejects with a sentence. */
  backUp(request: BackupRequest): Promise<string>;
  /** Finishes what is begun, tells everyone to come back later, and lets go of the data. */
  close(): Promise<void>;
}

/** Opens the data and catches up with the log. Rejects with an `OfficeError` that says what is wrong with the data. */
export async function openOffice(parts: OfficeParts): Promise<Office> {
  const { config, clock, logger, origins } = parts;
  mkdirSync(config.dataFolder, { recursive: true });
  const { dataFolder } = config;
  const database = await openOfficeDatabase({ dataFolder, version: parts.version, now: () => clock.now() });
  database.pragma(`wal_autocheckpoint = ${RARE_CHECKPOINT_PAGES}`);
  const openLog = parts.openLog ?? ((folder) => openLevelUpdateLog(folder, { durability: config.durability }));
  const log = await openLog(join(config.dataFolder, 'log'));
  const accounts = createAccounts({
    database,
    baseUrl: parts.baseUrl(),
    secret: readOrCreateSecret(join(config.dataFolder, 'auth.secret')),
    trustedOrigins: [...origins.all],
    secureCookies: config.tls !== null,
    now: () => clock.now(),
  });
  const workerToken = readOrCreateSecret(join(config.dataFolder, 'worker.token'));
  const read = openReadModel(database, accounts, clock);
  const leases = new LeaseRegistry();
  const tally = new Tally();
  const streams = new EventStreams(read.events, tally);
  const quarantine = new Quarantine(join(dataFolder, QUARANTINE), (problem) =>
    logger.error('a change that was set aside could not be kept', { reason: reasonOf(problem) }),
  );
  const databaseFile = join(dataFolder, DATABASE);
  const thread = new ProjectionThread({ databaseFile, isSynced: config.durability === 'power-cut' });
  const projection = wireProjection({ ...read, thread, log, streams, clock, logger });
  const { projector, publish } = projection;
  const { rooms, live, segments, arrivals, divergences } = wireRooms({
    ...read,
    database,
    projection,
    log,
    leases,
    quarantine,
    clock,
    tally,
    logger,
    segmentLimits: parts.segmentLimits ?? SEGMENT_LIMITS,
  });
  const scheduler = new Scheduler({
    turns: read.turns,
    sessions: read.sessionStore,
    leases,
    rooms: schedulerRooms(rooms, live),
    nameOf: (person) => accounts.nameOf(person),
    publish,
    clock,
    log: (sentence, error) => logger.warn(sentence, error === undefined ? {} : { reason: reasonOf(error) }),
  });
  projection.afterProjection((told) => scheduler.onProjected(told));
  const sessions = new Sessions(read.sessionStore, live, clock);
  const councilStore = new CouncilStore(database);
  const caller = new Caller(accounts, workerToken, origins);
  const held = new HeldSockets(clock, tally, logger);
  const upgrades = new Upgrades({
    caller,
    held,
    rooms,
    events: streams,
    leases,
    clock,
    tally,
    logger,
    epoch: readOrCreateEpoch(database),
    grantOf: (id) => read.grants.of(id),
    liveSegmentOf: (id) => segments.liveOf(id),
    serveWorker: (socket) => serveWorkerSocket(socket, scheduler, logger),
  });
  accounts.onGrantChange(({ personId }) => held.recheckAllOf(personId));
  const health = new OfficeHealth({
    version: parts.version,
    rooms,
    projector,
    scheduler,
    streams,
    held,
    tally,
    quarantine,
    divergences,
    openTurns: () => read.turns.mostOpenOfOnePerson(),
  });
  const councils = new Councils({ sessions, store: read.sessionStore, switches: councilStore, scheduler });
  const { sessionStore, events } = read;
  const office = {
    accounts,
    sessions,
    sessionStore,
    events,
    councils,
    councilStore,
    scheduler,
    health,
    clock,
    caughtUp: () => projector.settled(),
    publish,
  };
  const app = createApp({
    office: { ...office, baseUrl: parts.baseUrl },
    caller,
    logger,
    version: parts.version,
    clientFolder: config.clientFolder,
  });
  await catchUp({ log, project: projection.projectNow, clock, logger });
  const backups = new Backups((request, signal) =>
    makeBackup(
      {
        database,
        log,
        dataFolder: config.dataFolder,
        version: parts.version,
        now: () => clock.now(),
        ...request,
      },
      signal,
    ),
  );
  return {
    app,
    upgrades,
    accounts,
    sessions,
    run: () => {
      scheduler.run();
      health.isReady = true;
    },
    backUp: (request) => backups.make(request),
    close: async () => {
      health.isReady = false;
      await backups.callOff();
      await scheduler.drain(AbortSignal.timeout(DRAIN_MS));
      scheduler.stop();
      held.closeAll();
      await arrivals.drain();
      await rooms.drain();
      await projector.drain();
      await thread.close();
      await quarantine.settled();
      await log.close();
      database.close();
      held.terminateAll();
    },
  };
}

function schedulerRooms(rooms: Rooms, live: LiveRooms): ConstructorParameters<typeof Scheduler>[0]['rooms'] {
  return {
    prepare: (session) =>
      live.use(session, async ({ name, entries }) => ({
        document: name,
        clientId: entries.reserveClientId(),
        newestAt: entries.newestAt,
      })),
    finish: ({ sessionId, document }, rowId, makeReply) => {
      const finish = (room: Room) => room.entries.finishTurn(rowId, makeReply);
      return document === null ? live.use(sessionId, finish) : rooms.use(document, finish);
    },
    dropRow: (document, rowId) => rooms.use(document, (room) => room.entries.dropRow(rowId)),
  };
}
