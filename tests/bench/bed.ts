import type { Seat } from './raw-peer.ts';
import type { ServerProcess } from './server-process.ts';

export interface BedOptions {
  /** An empty folder for its data and its output. */
  readonly folder: string;
  readonly nodeOptions?: readonly string[];
}

/** One server's data. It outlives the process, so that a server can be killed and started again. */
export interface Bed {
  start(): Promise<ServerProcess>;
  /** Makes documents to join; answers their names. */
  makeRooms(server: ServerProcess, count: number): Promise<string[]>;
  /** The place of the `index`-th peer of a room. */
  seat(server: ServerProcess, room: string, index: number): Seat;
}
