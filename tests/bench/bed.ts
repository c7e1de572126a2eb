import type { Seat } from './raw-peer.ts';
import type { ServerProcess } from './server-process.ts';

export interface BedOptions {
  /** An empty folder for its data and its output. */
  readonly folder: string;
  readonly nodeOptions?: readonly string[];
}

/** What came over HTTP. */
export interface Fetched {
  readonly messages: number;
  readonly bytes: number;
}

/** A server's whole chat is one room: nothing is fetched beside it. */
export const ONE_ROOM = {
  roomHolds: null,
  nextRoom: () => null,
  entrance: async (_: ServerProcess, room: string) => ({ room, messages: 0, bytes: 0 }),
  earlier: async () => ({ messages: 0, bytes: 0 }),
} satisfies Partial<Bed>;

/** One server's data. It outlives the process, so that a server can be killed and started again. */
export interface Bed {
  start(): Promise<ServerProcess>;
  /** Makes documents to join; answers their names. */
  makeRooms(server: ServerProcess, count: number): Promise<string[]>;
  /** How many messages a room takes before the chat goes on in another; null: any number. */
  readonly roomHolds: number | null;
  /** The room in which a chat goes on, where this update says that the room has ended; null where it does not say so. */
  nextRoom(room: string, update: Uint8Array): string | null;
  /** The room that a peer joins today for the chat that began in this one, as it learns it itself. */
  entrance(server: ServerProcess, room: string): Promise<Fetched & { readonly room: string }>;
  /** What a client fetches beside a room that shows so many messages, until its first screen is full. */
  earlier(server: ServerProcess, room: string, shown: number): Promise<Fetched>;
  /** The place of the `index`-th peer of a room. */
  seat(server: ServerProcess, room: string, index: number): Seat;
}
