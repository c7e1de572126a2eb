import * as Y from 'yjs';
import { entriesOf } from '../../sync-server/protocol/segment.ts';
import type { Bed } from './bed.ts';
import { atPace, until } from './pace.ts';
import { RawPeer } from './raw-peer.ts';
import { RoomLoad } from './room-load.ts';
import type { ServerProcess } from './server-process.ts';
import type { Subject } from './subjects.ts';

export interface KillResult {
  readonly kills: number;
  /** Entries that another peer saw before the kill, or that had a receipt. */
  readonly shown: number;
  /** Of those, how many the restarted server does not have. */
  readonly lost: number;
}

const ROOMS = 5;
const PEERS = 4;
const PER_ROOM_PER_SECOND = 20;
/** y-websocket's server answers before it has loaded: what is on its disk has this long to come, in ms. */
const LOAD_MS = 3_000;

/** Kills a server under load, starts it on the same data, and looks for everything that it had shown. */
export async function measureKill(
  subject: Subject,
  { folder, kills, loadMs }: { readonly folder: string; readonly kills: number; readonly loadMs: () => number },
): Promise<KillResult> {
  const bed = await subject.makeBed({ folder });
  let server = await bed.start();
  let shown = 0;
  let lost = 0;
  try {
    for (let kill = 0; kill < kills; kill++) {
      const rooms = await bed.makeRooms(server, ROOMS);
      const shownIn = await loadUntilKilled(bed, server, rooms, loadMs());
      server = await bed.start();
      for (const [room, changes] of shownIn) {
        shown += changes.size;
        lost += await countLost(bed, server, room, changes);
      }
    }
  } finally {
    await server.stop();
  }
  return { kills, shown, lost };
}

/** Answers, by room, the changes (`client.clock`) that were shown before the end. */
async function loadUntilKilled(
  bed: Bed,
  server: ServerProcess,
  names: readonly string[],
  loadMs: number,
): Promise<Map<string, Set<string>>> {
  const shownIn = new Map(names.map((room) => [room, new Set<string>()]));
  const messages = Math.ceil((loadMs / 1000) * PER_ROOM_PER_SECOND) + PEERS;
  const rooms = await Promise.all(
    [...shownIn].map(([room, shown]) => {
      const note = (client: number, clock: number): void => void shown.add(`${client}.${clock}`);
      return RoomLoad.join({ bed, server, room }, { peers: PEERS, messages }, { onDelivered: note, onSaved: note });
    }),
  );
  await atPace(rooms, PER_ROOM_PER_SECOND, loadMs, (room) => room.say());
  for (const room of rooms) room.assertOpen();
  await server.kill();
  for (const room of rooms) room.leave();
  return shownIn;
}

async function countLost(bed: Bed, server: ServerProcess, room: string, shown: ReadonlySet<string>): Promise<number> {
  const doc = new Y.Doc();
  const { peer, document } = await RawPeer.join(bed.seat(server, room, 0));
  Y.applyUpdate(doc, document);
  peer.hear((heard) => {
    if (heard.kind === 'update' || heard.kind === 'step2') Y.applyUpdate(doc, heard.update);
  });
  const lost = (): number => {
    const kept = new Set<string>();
    for (const item of entriesOf(doc)._map.values()) if (!item.deleted) kept.add(`${item.id.client}.${item.id.clock}`);
    return [...shown].filter((change) => !kept.has(change)).length;
  };
  await until(() => lost() === 0, LOAD_MS);
  const count = lost();
  peer.leave();
  doc.destroy();
  return count;
}
