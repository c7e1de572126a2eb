import { MemoryUpdateLog } from '../../persistence/log/memory-update-log.ts';
import type { QuarantinedUpdate } from '../../persistence/quarantine/quarantine.ts';
import { LeaseRegistry } from '../../sync-server/leases.ts';
import { createLogger } from '../../sync-server/logger.ts';
import type { Principal } from '../../sync-server/protocol/principal.ts';
import type { Peer } from '../../sync-server/room/peer.ts';
import { Rooms, type RoomsContext } from '../../sync-server/room/rooms.ts';
import { SEGMENT_LIMITS } from '../../sync-server/room/segment-roll.ts';
import { SessionSegments } from '../../sync-server/room/session-segments.ts';
import { Tally } from '../../sync-server/tally.ts';
import { ManualClock } from './manual-clock.ts';

export interface RoomsInMemory {
  readonly rooms: Rooms;
  readonly log: MemoryUpdateLog;
  readonly leases: LeaseRegistry;
  readonly clock: ManualClock;
  readonly tally: Tally;
  /** What the rooms wrote to their logger. */
  readonly lines: readonly string[];
  /** Changes that could not be applied. */
  readonly setAside: readonly QuarantinedUpdate[];
}

/** Rooms without sockets or a projection, in which everyone may write to any session. */
export function openRooms(
  log = new MemoryUpdateLog(),
  parts: Partial<Pick<RoomsContext, 'segmentLimits' | 'project' | 'projectionBacklog' | 'arrivedLate' | 'prepare'>> & {
    readonly clock?: ManualClock;
  } = {},
): RoomsInMemory {
  const leases = new LeaseRegistry();
  const lines: string[] = [];
  const clock = parts.clock ?? new ManualClock();
  const tally = new Tally();
  const setAside: QuarantinedUpdate[] = [];
  const rooms = new Rooms({
    log,
    leases,
    tally,
    logger: createLogger((line) => lines.push(line)),
    grantOf: () => ({
      scope: { type: 'general', id: null },
      owner: 'ann',
      isPrivate: false,
      members: [],
      isBinned: false,
    }),
    segments: new SessionSegments({
      entry: () => undefined,
      newestAt: () => 0,
      segmentOf: () => undefined,
      liveSegment: () => 1,
    }),
    segmentLimits: SEGMENT_LIMITS,
    project: () => Promise.resolve(),
    projectionBacklog: () => 0,
    hurryProjection: () => undefined,
    quarantine: (change) => void setAside.push(change),
    arrivedLate: () => undefined,
    sealed: () => undefined,
    prepare: () => Promise.resolve(),
    ...parts,
    clock,
  });
  return { rooms, log, leases, clock, tally, lines, setAside };
}

/** A connection without a socket: it keeps what it was sent. */
export class ListeningPeer implements Peer {
  readonly knowsReceipts = true;
  readonly principal: Principal;
  readonly lease: Peer['lease'];
  /** As if the network had not taken this many bytes. */
  unsentBytes = 0;
  readonly sent: Uint8Array[] = [];
  readonly closes: number[] = [];

  constructor(principal: Principal, lease: Peer['lease'] = null) {
    this.principal = principal;
    this.lease = lease;
  }

  send(frame: Uint8Array): void {
    this.sent.push(frame);
  }

  close(code: number): void {
    this.closes.push(code);
  }
}
