import { expect, test } from 'vitest';
import { RateLimiter } from '../../../sync-server/sockets/rate-limiter.ts';

test('[AC14] a burst passes, what is beyond it waits as long as it takes to even out, and each principal has a bucket', () => {
  const rates = new RateLimiter();
  for (let frame = 0; frame < 5_000; frame++) expect(rates.take('ada', 0)).toBe(0);
  expect(rates.take('ada', 0)).toBe(2);
  expect(rates.take('ada', 0)).toBe(4);
  expect(rates.take('ben', 0)).toBe(0);
  expect(rates.take('ada', 1_000)).toBe(0);
});

test('[AC14] a clock that goes back neither refills nor drains a bucket', () => {
  const rates = new RateLimiter();
  for (let frame = 0; frame < 5_000; frame++) rates.take('ada', 10_000);
  expect(rates.take('ada', 0)).toBeGreaterThan(0);
  expect(rates.take('ada', 1)).toBeGreaterThan(0);
});
