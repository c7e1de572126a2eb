import { expect, test } from 'vitest';
import { createLogger } from '../../sync-server/logger.ts';
import { Projector } from '../../sync-server/projector.ts';
import { committed, message, NOON, ulid } from '../persistence/projection/office-on-disk.ts';
import { ManualClock } from '../support/manual-clock.ts';

const session = ulid(1);
const quiet = createLogger(() => undefined);
const entry = (number: number) => committed(session, [message(number, `n ${number}`)], { throughClock: number });

test('[PJ6] batches are projected one at a time, in order, and hold all that came meanwhile', async () => {
  const clocks: number[][] = [];
  const first = Promise.withResolvers<number>();
  const projector = new Projector(
    async (batch) => {
      clocks.push(batch.map(({ throughClock }) => throughClock));
      return clocks.length === 1 ? first.promise : 0;
    },
    new ManualClock(),
    quiet,
  );
  const all = [projector.add(entry(1))];
  await expect.poll(() => clocks.length).toBe(1);
  all.push(projector.add(entry(2)), projector.add(entry(3)));
  expect(projector.backlog).toBe(3);
  first.resolve(0);
  await Promise.all(all);
  expect(clocks).toEqual([[1], [2, 3]]);
  expect(projector.backlog).toBe(0);
});

test('[PJ6] a batch that fails is projected again, and the health says so meanwhile', async () => {
  const clock = new ManualClock();
  const clocks: number[][] = [];
  const projector = new Projector(
    async (batch) => {
      clocks.push(batch.map(({ throughClock }) => throughClock));
      if (clocks.length === 1) throw new Error('the disk is full');
      return 0;
    },
    clock,
    quiet,
  );
  const added = projector.add(entry(1));
  await expect.poll(() => projector.failure).toBe('the disk is full');
  clock.advance(60_000);
  await added;
  expect(clocks).toEqual([[1], [1]]);
  expect(projector.failure).toBeNull();
});

test('[PJ6] draining waits for what is under way and projects the rest, without resting', async () => {
  const clocks: number[] = [];
  const projector = new Projector(
    async (batch) => {
      clocks.push(...batch.map(({ throughClock }) => throughClock));
      return 60_000;
    },
    new ManualClock(),
    quiet,
  );
  await projector.add(entry(1));
  const added = projector.add(entry(2));
  await projector.drain();
  await added;
  expect(clocks).toEqual([1, 2]);
});

test('[PJ8] who reads does not wait for the rest between two batches, and is told where the database stands still', async () => {
  const clock = new ManualClock();
  let isStuck = false;
  const projector = new Projector(
    () => (isStuck ? new Promise(() => undefined) : Promise.resolve(60_000)),
    clock,
    quiet,
  );
  await projector.settled();
  await projector.add(entry(1));
  let isThere = false;
  void projector.add(entry(2)).then(() => {
    isThere = true;
  });
  await projector.settled();
  expect(isThere).toBe(true);
  isStuck = true;
  void projector.add(entry(3));
  const reading = expect(projector.settled()).rejects.toMatchObject({ code: 'storage' });
  clock.advance(60_000);
  await reading;
});

test('[PJ6] what comes while the projector drains is projected too, and nothing of it is left out', async () => {
  const clocks: number[][] = [];
  const answers: PromiseWithResolvers<number>[] = [];
  const projector = new Projector(
    (batch) => {
      clocks.push(batch.map(({ throughClock }) => throughClock));
      const answer = Promise.withResolvers<number>();
      answers.push(answer);
      return answer.promise;
    },
    new ManualClock(),
    quiet,
  );
  const all = [projector.add(entry(1))];
  const draining = projector.drain();
  await expect.poll(() => clocks.length).toBe(1);
  all.push(projector.add(entry(2)));
  // Time enough for a second batch, were there one at the same time.
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(clocks).toEqual([[1]]);
  answers[0]?.resolve(0);
  await expect.poll(() => clocks.length).toBe(2);
  all.push(projector.add(entry(3)));
  answers[1]?.resolve(0);
  await expect.poll(() => clocks.length).toBe(3);
  answers[2]?.resolve(0);
  await Promise.all([...all, draining]);
  expect(clocks).toEqual([[1], [2], [3]]);
});

test('[PJ8] what is awaited while a batch is under way follows it without a rest', async () => {
  const first = Promise.withResolvers<number>();
  let batches = 0;
  // A rest would last until this clock goes on.
  const projector = new Projector(
    () => (batches++ === 0 ? first.promise : Promise.resolve(0)),
    new ManualClock(NOON, 100),
    quiet,
  );
  const begun = projector.add(entry(1));
  await expect.poll(() => batches).toBe(1);
  const next = projector.add(entry(2));
  projector.hurry();
  first.resolve(60_000);
  await Promise.all([begun, next]);
  expect(batches).toBe(2);
});
