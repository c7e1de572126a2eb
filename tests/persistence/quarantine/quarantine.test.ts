import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  MAX_QUARANTINED,
  Quarantine,
  type QuarantinedUpdate,
  readQuarantine,
} from '../../../persistence/quarantine/quarantine.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const change = (at: number, sizeBytes = 3): QuarantinedUpdate => ({
  document: 'brief/x',
  principal: 'mallory',
  at,
  reason: 'it threw',
  update: new Uint8Array(sizeBytes).fill(at),
});

test('[QU1] a change is kept whole and private, and is there after a restart', async () => {
  const folder = join(tempFolder(), 'quarantine');
  const problems: unknown[] = [];
  const quarantine = new Quarantine(folder, (problem) => problems.push(problem));
  quarantine.put(change(1, 100_000));
  quarantine.put(change(2));
  await quarantine.settled();
  expect({ count: quarantine.count, problems }).toEqual({ count: 2, problems: [] });
  expect(await readQuarantine(folder)).toEqual([change(1, 100_000), change(2)]);
  expect(new Quarantine(folder, () => undefined).count).toBe(2);
});

test('[QU2] the oldest make room, by number and by size, and nothing else in the folder is touched', async () => {
  const folder = tempFolder();
  writeFileSync(join(folder, 'mine.txt'), '');
  const quarantine = new Quarantine(folder, () => undefined);
  for (let at = 1; at <= MAX_QUARANTINED + 5; at++) {
    quarantine.put(change(at));
    await quarantine.settled();
  }
  const kept = await readQuarantine(folder);
  expect([kept.length, kept[0]?.at, kept.at(-1)?.at]).toEqual([MAX_QUARANTINED, 6, MAX_QUARANTINED + 5]);
  for (let at = 200; at < 212; at++) {
    quarantine.put(change(at, 6 * 1024 * 1024));
    await quarantine.settled();
  }
  expect((await readQuarantine(folder)).map(({ at }) => at)).toEqual([205, 206, 207, 208, 209, 210, 211]);
  expect(quarantine.count).toBe(7);
  expect(readdirSync(folder)).toContain('mine.txt');
});

test('[QU1] a disk that refuses is told of, and costs the caller nothing', async () => {
  const folder = join(tempFolder(), 'a-file');
  writeFileSync(folder, '');
  const problems: unknown[] = [];
  const quarantine = new Quarantine(folder, (problem) => problems.push(problem));
  expect(problems).toHaveLength(1);
  for (let at = 1; at <= 20; at++) quarantine.put(change(at));
  await quarantine.settled();
  expect({ problems: problems.length, count: quarantine.count }).toEqual({ problems: 21, count: 0 });
});
