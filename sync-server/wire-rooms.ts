/** The rooms, and what they need of each other and of the stores. */
import type { Database } from '../persistence/database.ts';
import type { UpdateLog } from '../persistence/log/update-log.ts';
import type { SessionStore } from '../persistence/projection/session-store.ts';
import type { Quarantine } from '../persistence/quarantine/quarantine.ts';
import type { Clock } from './clock.ts';
import { Divergences } from './divergence.ts';
import type { Grants } from './grants.ts';
import type { LeaseRegistry } from './leases.ts';
import type { Logger } from './logger.ts';
import { OFFICE_AUTHOR } from './protocol/entry.ts';
import { deriveId } from './protocol/ids.ts';
import { Arrivals } from './room/arrivals.ts';
import { LiveRooms } from './room/live-rooms.ts';
import type { Room } from './room/room.ts';
import { Rooms } from './room/rooms.ts';
import type { SegmentLimits } from './room/segment-roll.ts';
import { SessionSegments } from './room/session-segments.ts';
import type { Tally } from './tally.ts';
import type { ProjectionWiring } from './wire-projection.ts';

export interface RoomsParts {
  readonly database: Database;
  readonly sessionStore: SessionStore;
  readonly grants: Grants;
  readonly log: UpdateLog;
  readonly leases: LeaseRegistry;
  readonly quarantine: Quarantine;
  readonly projection: ProjectionWiring;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly logger: Logger;
  readonly segmentLimits: SegmentLimits;
}

export interface RoomsWiring {
  readonly rooms: Rooms;
  readonly live: LiveRooms;
  readonly segments: SessionSegments;
  readonly arrivals: Arrivals;
  readonly divergences: Divergences;
}

export function wireRooms(parts: RoomsParts): RoomsWiring {
  const { database, sessionStore, grants, log, leases, clock, tally, logger, segmentLimits } = parts;
  const { projector, rebuild } = parts.projection;
  const divergences = new Divergences({
    log,
    database,
    clock,
    logger,
    findRoom: (document) => rooms.find(document),
    rebuild,
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
    hurryProjection: () => projector.hurry(),
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
  return { rooms, live, segments, arrivals, divergences };
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
