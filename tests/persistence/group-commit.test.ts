import { expect, test } from 'vitest';
import {
  GroupCommit,
  MAX_BATCH_BYTES,
  MAX_BATCH_RECORDS,
  MAX_QUEUED_BYTES,
  type Queued,
} from '../../persistence/log/group-commit.ts';

/** Commits that wait for `release`, and what was in each batch. */
function heldCommits() {
  const gate = Promise.withResolvers<void>();
  const batches: (readonly Queued[])[] = [];
  const commits = new GroupCommit<Queued>(async (batch) => {
    batches.push(batch);
    await gate.promise;
    return batch.map(() => 0);
  });
  return { commits, batches, release: gate.resolve };
}

test('[INV7] a batch is bounded in records and in bytes, and a larger item goes alone', async () => {
  const { commits, batches, release } = heldCommits();
  const small = Array.from({ length: MAX_BATCH_RECORDS + 1 }, () => commits.add({ document: 'a', sizeBytes: 1 }));
  const large = commits.add({ document: 'b', sizeBytes: MAX_BATCH_BYTES + 1 });
  const last = commits.add({ document: 'c', sizeBytes: 1 });
  release();
  await Promise.all([...small, large, last]);
  expect(batches.map((batch) => batch.length)).toEqual([MAX_BATCH_RECORDS, 1, 1, 1]);
});

test('[INV7] what waits is bounded: beyond it a document is refused until reopened, others are not', async () => {
  const { commits, batches, release } = heldCommits();
  const waiting = [
    commits.add({ document: 'a', sizeBytes: MAX_QUEUED_BYTES - 10 }),
    commits.add({ document: 'b', sizeBytes: 5 }),
  ];
  await expect(commits.add({ document: 'b', sizeBytes: 6 })).rejects.toMatchObject({ code: 'storage' });
  await expect(commits.add({ document: 'b', sizeBytes: 1 })).rejects.toMatchObject({ code: 'storage' });
  waiting.push(commits.add({ document: 'c', sizeBytes: 5 }));
  release();
  await Promise.all(waiting);
  commits.reopen('b');
  await commits.add({ document: 'b', sizeBytes: MAX_QUEUED_BYTES });
  await commits.drain();
  expect(batches.flat().map(({ document }) => document)).toEqual(['a', 'b', 'c', 'b']);
  await expect(commits.add({ document: 'a', sizeBytes: 1 })).rejects.toMatchObject({ code: 'restarting' });
});

test('[LO4] a job runs alone, between batches, and its failure is its own', async () => {
  const { commits, batches, release } = heldCommits();
  const first = commits.add({ document: 'a', sizeBytes: 1 });
  await expect.poll(() => batches.length).toBe(1);
  let begun = false;
  const job = commits.exclusive(async () => {
    begun = true;
    throw new Error('no');
  });
  const second = commits.add({ document: 'a', sizeBytes: 1 });
  expect(begun).toBe(false);
  release();
  await first;
  await expect(job).rejects.toThrow('no');
  await second;
  expect(batches.length).toBe(2);
});
