import { quantile, sum } from './numbers.ts';
import { atPace, until } from './pace.ts';
import { RoomLoad } from './room-load.ts';
import type { Subject } from './subjects.ts';

export interface FanOutShape {
  readonly rooms: number;
  readonly peers: number;
  /** In each room. */
  readonly messagesPerSecond: number;
}

export interface FanOutResult {
  /** CPU of the server's process, all threads, for each update that reached a peer. In microseconds. */
  readonly cpuPerDeliveryMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly deliveries: number;
  /** Updates that never arrived. */
  readonly missing: number;
  /** Share of one core that the load itself took: near 1 it would be the load that is measured. */
  readonly loadShare: number;
}

/** What was sent has this long to arrive, in ms. */
const ARRIVE_MS = 5_000;

/** Many rooms full of peers that write and read at once. */
export async function measureFanOut(
  subject: Subject,
  options: {
    readonly folder: string;
    readonly shape: FanOutShape;
    /** The load runs so long before it is measured, and then so long. */
    readonly warmUpMs: number;
    readonly measuredMs: number;
    readonly nodeOptions?: readonly string[];
  },
): Promise<FanOutResult> {
  const { folder, shape, warmUpMs, measuredMs, nodeOptions } = options;
  const bed = await subject.makeBed({ folder, ...(nodeOptions && { nodeOptions }) });
  const server = await bed.start();
  try {
    const latencies: number[] = [];
    let isMeasuring = false;
    const onDelivered = (_client: number, _clock: number, latencyMs: number): void => {
      if (isMeasuring) latencies.push(latencyMs);
    };
    const messages = Math.ceil(((warmUpMs + measuredMs) / 1000) * shape.messagesPerSecond) + shape.peers;
    const rooms: RoomLoad[] = [];
    for (const room of await bed.makeRooms(server, shape.rooms)) {
      rooms.push(await RoomLoad.join({ bed, server, room }, { peers: shape.peers, messages }, { onDelivered }));
    }
    const deliveries = (): number => sum(rooms.map((room) => room.deliveries));
    const say = (room: RoomLoad): void => room.say();
    await atPace(rooms, shape.messagesPerSecond, warmUpMs, say);
    const before = {
      usage: await server.usage(),
      deliveries: deliveries(),
      load: process.cpuUsage(),
      at: performance.now(),
    };
    isMeasuring = true;
    await atPace(rooms, shape.messagesPerSecond, measuredMs, say);
    const usage = await server.usage();
    const load = process.cpuUsage(before.load);
    const elapsedMs = performance.now() - before.at;
    const delivered = deliveries() - before.deliveries;
    for (const room of rooms) room.assertOpen();
    await until(() => rooms.every((room) => room.missing === 0), ARRIVE_MS);
    const missing = sum(rooms.map((room) => room.missing));
    for (const room of rooms) room.leave();
    return {
      cpuPerDeliveryMicros: (usage.cpuMicros - before.usage.cpuMicros) / delivered,
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      deliveries: delivered,
      missing,
      loadShare: (load.user + load.system) / 1000 / elapsedMs,
    };
  } finally {
    await server.stop();
  }
}
