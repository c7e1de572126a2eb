import { quantile, sum } from './numbers.ts';
import { atPace, until } from './pace.ts';
import { RoomLoad } from './room-load.ts';
import type { Subject } from './subjects.ts';

export interface ReceiptsResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Updates without a receipt, some seconds after the last was sent. */
  readonly missing: number;
}

/** 1,000 updates a second in all. */
const ROOMS = 50;
const PER_ROOM_PER_SECOND = 20;
/** A pair in each room: what is measured is the way to the disk and back, not fan-out. */
const PEERS = 2;
const ARRIVE_MS = 10_000;

/** How long a writer waits for the word that a change is durable. */
export async function measureReceipts(
  subject: Subject,
  { folder, warmUpMs, measuredMs }: { readonly folder: string; readonly warmUpMs: number; readonly measuredMs: number },
): Promise<ReceiptsResult> {
  const bed = await subject.makeBed({ folder });
  const server = await bed.start();
  try {
    const latencies: number[] = [];
    let isMeasuring = false;
    let saved = 0;
    const onSaved = (_client: number, _clock: number, latencyMs: number): void => {
      saved++;
      if (isMeasuring) latencies.push(latencyMs);
    };
    const messages = Math.ceil(((warmUpMs + measuredMs) / 1000) * PER_ROOM_PER_SECOND) + PEERS;
    const rooms: RoomLoad[] = [];
    for (const room of await bed.makeRooms(server, ROOMS)) {
      rooms.push(await RoomLoad.join({ bed, server, room }, { peers: PEERS, messages }, { onSaved }));
    }
    const say = (room: RoomLoad): void => room.say();
    await atPace(rooms, PER_ROOM_PER_SECOND, warmUpMs, say);
    isMeasuring = true;
    await atPace(rooms, PER_ROOM_PER_SECOND, measuredMs, say);
    const said = (): number => sum(rooms.map((room) => room.said));
    await until(() => saved >= said(), ARRIVE_MS);
    for (const room of rooms) room.assertOpen();
    for (const room of rooms) room.leave();
    return {
      perSecond: ROOMS * PER_ROOM_PER_SECOND,
      p50Ms: quantile(latencies, 0.5),
      p95Ms: quantile(latencies, 0.95),
      missing: said() - saved,
    };
  } finally {
    await server.stop();
  }
}
