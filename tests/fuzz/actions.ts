import fc from 'fast-check';

/** Devices in every history: two tabs of the owner, one of Bob's, and Bob's stock provider that only reads. */
export const DEVICES = 4;
const WRITING = 3;

/** One thing that happens. Numbers that choose among what there is at that moment count round. */
export type Action =
  | { readonly kind: 'write'; readonly device: number; readonly count: number; readonly pick: number }
  | { readonly kind: 'trespass'; readonly device: number; readonly pick: number }
  | { readonly kind: 'offline' | 'online' | 'reload'; readonly device: number }
  | { readonly kind: 'share'; readonly from: 0 | 1 }
  | { readonly kind: 'kill'; readonly afterTurns: number; readonly isSlow: boolean }
  | { readonly kind: 'post' | 'rename' | 'bin' | 'restore' }
  | { readonly kind: 'network'; readonly device: number; readonly isFaulty: boolean }
  | { readonly kind: 'clock'; readonly byMs: number }
  | { readonly kind: 'pause'; readonly ms: number };

const device = fc.nat(DEVICES - 1);
const writer = fc.nat(WRITING - 1);
const pick = fc.nat(1_000);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      device: writer,
      count: fc.integer({ min: 1, max: 6 }),
      pick,
    }),
  },
  // Enough changes for a log that is compacted when its room closes.
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('write' as const), device: writer, count: fc.constant(90), pick }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trespass' as const), device: writer, pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('offline' as const, 'online' as const), device }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reload' as const), device }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('share' as const), from: fc.constantFrom(0 as const, 1 as const) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('kill' as const), afterTurns: fc.nat(40), isSlow: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('post' as const, 'post', 'post', 'rename', 'bin', 'restore') }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('network' as const), device, isFaulty: fc.boolean() }) },
  // Back by up to ten minutes, or forward past what keeps an empty room in memory.
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('clock' as const), byMs: fc.integer({ min: -600_000, max: 90_000 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pause' as const), ms: fc.nat(60) }) },
);

/** What may happen in a chat, in order. */
export const histories: fc.Arbitrary<readonly Action[]> = fc.array(action, { minLength: 5, maxLength: 40 });
