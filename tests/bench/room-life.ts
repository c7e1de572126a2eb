import { setTimeout as wait } from 'node:timers/promises';
import { Author } from './author.ts';
import { RawPeer } from './raw-peer.ts';
import type { Subject } from './subjects.ts';

export interface RoomLifeResult {
  readonly rooms: number;
  /** What the process holds (heap and buffers, after a garbage collection) with no room, all rooms, and no room again. */
  readonly beforeBytes: number;
  readonly duringBytes: number;
  readonly afterBytes: number;
  readonly rssBeforeBytes: number;
  readonly rssDuringBytes: number;
  readonly rssAfterBytes: number;
}

const JOINS_AT_ONCE = 20;
/** Messages in each room. */
const MESSAGES = 20;
/** Rooms may stay this long after the last peer left, in ms: the longest that one of the servers keeps them is 30 s. */
const LEAVE_MS = 45_000;
const LOOK_EVERY_MS = 2_500;
/** Memory is back when this much of what the rooms took is left, as a share of what was there before. */
const BACK_WITHIN = 0.1;

/** Opens many rooms at once, each with a peer and some messages, and closes them all. */
export async function measureRoomLife(
  subject: Subject,
  { folder, rooms: count }: { readonly folder: string; readonly rooms: number },
): Promise<RoomLifeResult> {
  const bed = await subject.makeBed({ folder });
  // Another process than the one that made the rooms: making them opens them.
  const maker = await bed.start();
  const rooms = await bed.makeRooms(maker, count);
  await maker.stop();
  const server = await bed.start();
  try {
    // Once in and out, so that what the server only needs from its first connection on is not counted as the rooms'.
    const first = await RawPeer.join(bed.seat(server, rooms[0] ?? '', 0));
    first.peer.leave();
    const before = await server.usage({ collect: true });
    const peers: RawPeer[] = [];
    for (let i = 0; i < rooms.length; i += JOINS_AT_ONCE) {
      peers.push(
        ...(await Promise.all(
          rooms.slice(i, i + JOINS_AT_ONCE).map(async (room) => {
            const seat = bed.seat(server, room, 0);
            const { peer } = await RawPeer.join(seat);
            for (const update of new Author(seat.person).write(MESSAGES)) peer.say(seat.wire.update(update));
            return peer;
          }),
        )),
      );
    }
    await wait(LOOK_EVERY_MS);
    const during = await server.usage({ collect: true });
    const closed = peers.find((peer) => peer.closeReason !== null);
    if (closed) throw new Error(`a peer was closed: ${closed.closeReason}`);
    for (const peer of peers) peer.leave();
    let after = during;
    for (const endsAt = performance.now() + LEAVE_MS; performance.now() < endsAt; ) {
      await wait(LOOK_EVERY_MS);
      after = await server.usage({ collect: true });
      if (after.heldBytes <= before.heldBytes * (1 + BACK_WITHIN)) break;
    }
    return {
      rooms: count,
      beforeBytes: before.heldBytes,
      duringBytes: during.heldBytes,
      afterBytes: after.heldBytes,
      rssBeforeBytes: before.rssBytes,
      rssDuringBytes: during.rssBytes,
      rssAfterBytes: after.rssBytes,
    };
  } finally {
    await server.stop();
  }
}
