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
import type { Database } from '../persistence/database.ts';
import { openLevelUpdateLog } from '../persistence/log/level-update-log.ts';
import type { UpdateLog } from '../persistence/log/update-log.ts';
import { readOrCreateEpoch } from '../persistence/office/office-facts.ts';
import type { CommittedEntries } from '../persistence/projection/committed-entries.ts';
import { EventLog } from '../persistence/projection/event-log.ts';
import type { ProjectedBatch } from '../persistence/projection/projection.ts';
import { ProjectionThread, type TimedBatch } from '../persistence/projection/projection-thread.ts';
import { SessionStore } from '../persistence/projection/session-store.ts';
import { QUARANTINE, Quarantine } from '../persistence/quarantine/quarantine.ts';
import { TurnStore } from '../persistence/turns/turn-store.ts';
import type { BackupRequest } from './backup-requests.ts';
import { Backups } from './backups.ts';
import { Caller } from './caller.ts';
import { catchUp } from './catch-up.ts';
import type { Clock } from './clock.ts';
import type { ServerConfig } from './config.ts';
import { Councils } from './councils.ts';
import { Divergences } from './divergence.ts';
import { EventOrder } from './event-order.ts';
import { Grants } from './grants.ts';
import { createApp } from './http/app.ts';
import type { App } from './http/mount.ts';
import { LeaseRegistry } from './leases.ts';
import { type Logger, reasonOf } from './logger.ts';
import { OfficeHealth } from './office-health.ts';
import type { TrustedOrigins } from './origins.ts';
import { Projector } from './projector.ts';
import { OFFICE_AUTHOR } from './protocol/entry.ts';
import { type EventDraft, MAX_EVENTS_KEPT, readEvent, type WireEvent } from './protocol/events.ts';
import { deriveId } from './protocol/ids.ts';
import type { TurnView } from './protocol/turn.ts';
import { Arrivals } from './room/arrivals.ts';
import { LiveRooms } from './room/live-rooms.ts';
import type { Room } from './room/room.ts';
import { Rooms } from './room/rooms.ts';
import { SEGMENT_LIMITS, type SegmentLimits } from './room/segment-roll.ts';
import { SessionSegments } from './room/session-segments.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { Sessions } from './sessions.ts';
import { EventStreams } from './sockets/event-streams.ts';
import { HeldSockets } from './sockets/held-sockets.ts';
import { Upgrades } from './sockets/upgrades.ts';
import { serveWorkerSocket } from './sockets/worker-socket.ts';
import { Tally } from './tally.ts';

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
  const wiring = wireRooms({
    ...read,
    database,
    thread,
    log,
    leases,
    streams,
    quarantine,
    clock,
    tally,
    logger,
    segmentLimits: parts.segmentLimits ?? SEGMENT_LIMITS,
  });
  const { rooms, live, segments, arrivals, projector, divergences, publish, projectNow } = wiring;
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
  wiring.afterProjection((told) => scheduler.onProjected(told));
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
  await catchUp({ log, project: projectNow, clock, logger });
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

interface ReadModel {
  readonly grants: Grants;
  readonly sessionStore: SessionStore;
  readonly events: EventLog;
  readonly turns: TurnStore;
}

function openReadModel(database: Database, accounts: Accounts, clock: Clock): ReadModel {
  const people = (id: string): string | null => accounts.nameOf(id);
  const sessionStore = new SessionStore(database, people);
  const grants = new Grants((id) => sessionStore.get(id));
  const events = new EventLog(database, (id) => grants.of(id));
  const turns = new TurnStore({
    database,
    lookup: (session, id) => sessionStore.entry(session, id),
    now: () => clock.now(),
  });
  return { grants, sessionStore, events, turns };
}

interface RoomWiring {
  readonly rooms: Rooms;
  readonly live: LiveRooms;
  readonly segments: SessionSegments;
  readonly arrivals: Arrivals;
  readonly projector: Projector;
  readonly divergences: Divergences;
  /** Logs events and sends them to those who may see them. */
  publish(drafts: readonly EventDraft[]): void;
  /** Projects entries outside the projector's order: at the start, while nobody is here yet. */
  projectNow(batch: readonly CommittedEntries[]): Promise<ProjectedBatch>;
  /** Calls after each batch that was projected, with what it told of turns. */
  afterProjection(listener: (told: readonly TurnView[]) => void): void;
}

interface RoomParts extends ReadModel {
  readonly database: Database;
  readonly thread: ProjectionThread;
  readonly log: UpdateLog;
  readonly leases: LeaseRegistry;
  readonly streams: EventStreams;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly logger: Logger;
  readonly segmentLimits: SegmentLimits;
}

function wireRooms(parts: RoomParts): RoomWiring {
  const { database, log, leases, streams, clock, tally, logger, segmentLimits } = parts;
  const { thread, grants, sessionStore, events } = parts;
  let projected: (told: readonly TurnView[]) => void = () => undefined;
  const order = new EventOrder(
    events.range().newest,
    (id) => events.since(id, MAX_EVENTS_KEPT).events,
    (stored) => streams.publish(stored),
  );
  const project = async (batch: readonly CommittedEntries[]): Promise<TimedBatch> => {
    try {
      return await thread.project(batch, clock.now());
    } catch (error) {
      // It may have ended after its commit: what that batch caused is told all the same.
      order.reread();
      throw error;
    }
  };
  const takeIn = (result: ProjectedBatch, batch: readonly CommittedEntries[]): void => {
    for (const { kind, sessionId } of result.projected) grants.entryProjected(sessionId, kind);
    for (const { document, throughClock } of batch) {
      log.markProjected(document, throughClock).catch((error: unknown) => {
        // The document stays marked as unprojected: the next start looks at it once more, and finds nothing new.
        logger.warn('a document could not be marked as projected', { document, reason: reasonOf(error) });
      });
    }
    order.add(result.events);
    projected(result.events.flatMap(({ wire }) => turnViewOf(wire)));
  };
  const projectBatch = async (batch: readonly CommittedEntries[]): Promise<number> => {
    const { result, workMs } = await project(batch);
    takeIn(result, batch);
    return workMs;
  };
  const projector = new Projector(projectBatch, clock, logger);
  const divergences = new Divergences({
    log,
    database,
    clock,
    logger,
    findRoom: (document) => rooms.find(document),
    rebuild: async (sessionId, segments) => {
      const result = await thread.rebuild(sessionId, segments, clock.now());
      if (result) takeIn(result, segments);
      return result !== null;
    },
  });
  const segments = new SessionSegments({
    entry: (session, id) => sessionStore.entry(session, id) ?? undefined,
    newestAt: (session) => sessionStore.newestAt(session),
    segmentOf: (session, id) => sessionStore.segmentOf(session, id) ?? undefined,
    liveSegment: (session) => sessionStore.liveSegment(session),
  });
  const rooms: Rooms = new Rooms({
    log,
    leases,
    clock,
    tally,
    logger,
    grantOf: (id) => grants.of(id),
    segments,
    segmentLimits,
    projectionBacklog: () => projector.backlog,
    project: (committed) => projector.add(committed),
    quarantine: (setAside) => parts.quarantine.put(setAside),
    checkIdle: (document) => divergences.checkIdle(document),
    sealed: (document) => void divergences.checkSealed(document),
    arrivedLate: (session, ids) => arrivals.add(session, ids),
    prepare: async (room) => {
      await beginSession(room, sessionStore);
      room.sealIfFull();
    },
  });
  const live = new LiveRooms(rooms, segments);
  const arrivals: Arrivals = new Arrivals({
    append: (session, makeEntry) => live.use(session, (room) => room.entries.appendAsOffice(makeEntry)),
    clock,
    logger,
  });
  return {
    rooms,
    live,
    segments,
    arrivals,
    projector,
    divergences,
    publish: (drafts) => order.add(events.append(drafts, clock.now())),
    projectNow: async (batch) => {
      const { result } = await project(batch);
      order.add(result.events);
      return result;
    },
    afterProjection: (listener) => {
      projected = listener;
    },
  };
}

/** What an event tells of a turn, if it does. */
function turnViewOf(wire: WireEvent): readonly TurnView[] {
  const event = readEvent(wire);
  return event?.type === 'turn.updated' ? [event.payload] : [];
}

/** Writes the first entry of a session that has none yet: it was just made, or the process died in between. */
async function beginSession(room: Room, store: SessionStore): Promise<void> {
  if (room.ref.kind !== 'segment' || room.ref.segment !== 1 || room.damage !== null) return;
  const session = store.get(room.ref.sessionId);
  if (!session) return;
  const id = deriveId('created', session.id);
  // Nearly always it is there: then nothing is to be waited for.
  if (room.entries.has(id)) return;
  await room.entries.appendAsOffice((at) => ({
    id,
    kind: 'created',
    author: OFFICE_AUTHOR,
    at,
    scope: session.scope,
    owner: session.owner,
    title: session.title,
    isPrivate: session.isPrivate,
  }));
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
