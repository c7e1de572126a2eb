import { expect, test } from 'vitest';
import { Grants } from '../../sync-server/grants.ts';
import type { SessionGrant } from '../../sync-server/protocol/permission.ts';

const open: SessionGrant = {
  scope: { type: 'general', id: null },
  owner: 'ada',
  isPrivate: false,
  members: [],
  isBinned: false,
};

test('[PE1] a grant is read once, and anew after an entry that changes it', () => {
  const stored = new Map([['here', open]]);
  let reads = 0;
  const grants = new Grants((id) => {
    reads++;
    return stored.get(id) ?? null;
  });
  expect([grants.of('here'), grants.of('here'), reads]).toEqual([open, open, 1]);
  grants.entryProjected('here', 'message');
  expect([grants.of('here'), reads]).toEqual([open, 1]);
  const binned = { ...open, isBinned: true };
  stored.set('here', binned);
  grants.entryProjected('here', 'binned');
  expect([grants.of('here'), reads]).toEqual([binned, 2]);
});

test('[PE2] what is not there is asked for again each time, so a session counts from the moment it is made', () => {
  const stored = new Map<string, SessionGrant>();
  const grants = new Grants((id) => stored.get(id) ?? null);
  expect(grants.of('new')).toBeNull();
  stored.set('new', open);
  expect(grants.of('new')).toEqual(open);
});
