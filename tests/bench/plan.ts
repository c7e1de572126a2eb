import { parseArgs } from 'node:util';
import type { FanOutShape } from './fan-out.ts';

export const PARTS = ['fan-out', 'receipts', 'cold-open', 'rooms', 'kill', 'office'] as const;
export type Part = (typeof PARTS)[number];

/** How much of everything is measured. */
export interface Plan {
  readonly isQuick: boolean;
  readonly parts: ReadonlySet<Part>;
  readonly json: string | null;
  /** Where CPU profiles of our server go; null: none are taken. */
  readonly profileFolder: string | null;
  readonly shapes: readonly FanOutShape[];
  readonly fanOutRounds: number;
  readonly measuredMs: number;
  readonly chatSizes: readonly number[];
  readonly rooms: number;
  readonly kills: number;
  /** How long a server is loaded before it is killed: at random between these, in ms. */
  readonly killAfterMs: readonly [from: number, to: number];
}

const BUSY: FanOutShape = { rooms: 20, peers: 20, messagesPerSecond: 20 };
const CROWDED: FanOutShape = { rooms: 4, peers: 100, messagesPerSecond: 20 };

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
  const amount = values.quick
    ? { fanOutRounds: 1, measuredMs: 2_000, chatSizes: [1_000], rooms: 100, kills: 1 }
    : { fanOutRounds: 3, measuredMs: 8_000, chatSizes: [1_000, 10_000, 100_000], rooms: 1_000, kills: 3 };
  return {
    isQuick: values.quick,
    parts: new Set(parts),
    json: values.json ?? null,
    profileFolder: values.profile ?? null,
    shapes: [BUSY, CROWDED],
    killAfterMs: values.quick ? [1_000, 2_000] : [1_500, 13_000],
    ...amount,
  };
}
