import { parseArgs } from 'node:util';
import type { FanOutShape } from './fan-out.ts';

export const PARTS = ['fan-out', 'crowd', 'receipts', 'cold-open', 'rooms', 'kill', 'office'] as const;
export type Part = (typeof PARTS)[number];

/** How much of everything is measured. */
export interface Plan {
  readonly isQuick: boolean;
  readonly parts: ReadonlySet<Part>;
  readonly json: string | null;
  /** Where CPU profiles of our server go; null: none are taken. */
  readonly profileFolder: string | null;
  readonly shapes: readonly FanOutShape[];
  /** What an office with everyone in one room costs is compared with the first of `shapes`. */
  readonly crowd: FanOutShape;
  /** Rounds of a shape; no further one begins where it would not fit into `shapeBudgetMs`. */
  readonly fanOutRounds: number;
  readonly crowdRounds: number;
  readonly shapeBudgetMs: number;
  readonly receiptRounds: number;
  /** Servers run this long under the same load before it is measured, in ms. */
  readonly warmUpMs: number;
  readonly measuredMs: number;
  readonly chatSizes: readonly number[];
  readonly rooms: number;
  readonly kills: number;
  /** Starts of the whole office that are timed. */
  readonly starts: number;
  /** How long a server is loaded before it is killed: at random between these, in ms. */
  readonly killAfterMs: readonly [from: number, to: number];
}

const BUSY: FanOutShape = { rooms: 20, peers: 20, messagesPerSecond: 20 };
const CROWDED: FanOutShape = { rooms: 4, peers: 100, messagesPerSecond: 20 };
/** About as many deliveries a second as the other shapes have, so that what differs is the room. */
const CROWD: FanOutShape = { rooms: 1, peers: 500, messagesPerSecond: 16 };

type Amount = Omit<Plan, 'isQuick' | 'parts' | 'json' | 'profileFolder' | 'shapes' | 'crowd'>;

/** Within two minutes. */
const QUICK: Amount = {
  fanOutRounds: 1,
  crowdRounds: 1,
  shapeBudgetMs: 0,
  receiptRounds: 1,
  warmUpMs: 1_500,
  measuredMs: 2_000,
  chatSizes: [1_000],
  rooms: 100,
  kills: 1,
  killAfterMs: [1_000, 2_000],
  starts: 1,
};

/** Within a quarter of an hour. */
const FULL: Amount = {
  fanOutRounds: 3,
  crowdRounds: 2,
  shapeBudgetMs: 170_000,
  receiptRounds: 3,
  warmUpMs: 3_000,
  measuredMs: 8_000,
  chatSizes: [1_000, 10_000, 100_000],
  rooms: 1_000,
  kills: 3,
  killAfterMs: [1_500, 13_000],
  starts: 3,
};

export const USAGE = `npm run bench -- [--quick] [--only <part>[,<part>]] [--json <file>] [--profile <folder>]
parts: ${PARTS.join(', ')}`;

/** Reads the command line; throws a sentence for what is not understood. */
export function readPlan(args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const named = values.only?.split(',').map((name) => name.trim()) ?? PARTS;
  const parts = named.map((name) => {
    const part = PARTS.find((each) => each === name);
    if (!part) throw new Error(`There is no part "${name}".\n${USAGE}`);
    return part;
  });
  const amount = values.quick ? QUICK : FULL;
  return {
    isQuick: values.quick,
    parts: new Set(parts),
    json: values.json ?? null,
    profileFolder: values.profile ?? null,
    shapes: [BUSY, CROWDED],
    crowd: CROWD,
    ...amount,
  };
}
