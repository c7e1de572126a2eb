import type { Device } from './device.ts';

/** Who wrote, and what came of it, once a chat is quiet. */
export interface Look {
  readonly dataFolder: string;
  readonly sessionId: string;
  /** All devices of the history, whoever sat there. */
  readonly devices: readonly Device[];
  /** A device that came when all was over and was told everything. */
  readonly newcomer: Device;
  /** Ids of messages that were sent by HTTP, answered or not. */
  readonly posted: ReadonlySet<string>;
  /** Bodies of messages that were answered by HTTP, by id. */
  readonly answered: ReadonlyMap<string, string>;
  /** How long somebody who was locked out stayed connected, in ms, each time. */
  readonly lockOutsMs: readonly number[];
  readonly errors: readonly string[];
}

/** Ids of entries that the server said it did not take. */
export const refusedIn = ({ devices, newcomer }: Look): ReadonlySet<string> =>
  new Set([...devices, newcomer].flatMap((device) => [...device.refused, ...device.moved]));

/** Entries as text that equal contents share. */
export const textOf = (held: ReadonlyMap<string, unknown>): string =>
  JSON.stringify([...held].sort(([a], [b]) => (a < b ? -1 : 1)));
