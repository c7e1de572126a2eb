import { expect, test } from 'vitest';
import { createLogger } from '../../../sync-server/logger.ts';
import type { OfficeEntry } from '../../../sync-server/protocol/entry.ts';
import { deriveId, type EntryId } from '../../../sync-server/protocol/ids.ts';
import { Arrivals } from '../../../sync-server/room/arrivals.ts';
import { ulid } from '../../support/entries.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

type Arrived = Extract<OfficeEntry, { kind: 'arrived' }>;

function openArrivals() {
  const written: Arrived[] = [];
  const lines: string[] = [];
  const clock = new ManualClock();
  const disk = { isRefusing: false };
  const arrivals = new Arrivals({
    append: async (_session, makeEntry) => {
      if (disk.isRefusing) throw new Error('the disk is full');
      const entry = makeEntry(1);
      if (entry.kind === 'arrived') written.push(entry);
    },
    clock,
    logger: createLogger((line) => lines.push(line)),
  });
  return { arrivals, written, lines, clock, disk };
}

const ids = (from: number, count: number): EntryId[] => Array.from({ length: count }, (_, n) => ulid(from + n));

test('[SG6] what comes within a second is named at once, each id once, and at most 400 in an entry', async () => {
  const { arrivals, written } = openArrivals();
  arrivals.add('one', ids(1, 500));
  arrivals.add('one', ids(400, 300));
  arrivals.add('two', ids(1, 1));
  await until('all is named', () => written.length === 3);
  expect(written.map((entry) => entry.ids.length)).toEqual([400, 299, 1]);
  expect(new Set(written.slice(0, 2).flatMap((entry) => entry.ids)).size).toBe(699);
  // Naming the same again is the same entry.
  expect(written[2]?.id).toBe(deriveId('arrived', 'two', ulid(1)));
});

test('[SG6] what the disk refuses is named later, and what waits when the office stops is named before', async () => {
  const { arrivals, written, lines, clock, disk } = openArrivals();
  disk.isRefusing = true;
  arrivals.add('one', ids(1, 2));
  await until('it was tried', () => lines.length === 1);
  expect(written).toEqual([]);
  disk.isRefusing = false;
  clock.advance(5_000);
  await until('it is named', () => written.length === 1);
  arrivals.add('one', ids(3, 1));
  await arrivals.drain();
  expect(written.map((entry) => entry.ids)).toEqual([ids(1, 2), ids(3, 1)]);
  arrivals.add('one', ids(4, 1));
  await arrivals.drain();
  expect(written).toHaveLength(2);
});

test('[SG6] [INV7] 50,000 ids may wait; further ones are not named, and the log says so once', async () => {
  const { arrivals, written, lines } = openArrivals();
  arrivals.add('one', ids(1, 50_100));
  await arrivals.drain();
  expect(written.flatMap((entry) => entry.ids)).toHaveLength(50_000);
  expect(lines).toHaveLength(1);
});
