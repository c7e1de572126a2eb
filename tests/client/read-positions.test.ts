import { expect, test } from 'vitest';
import { advance, isLate, isUnread } from '../../client/sync/read-positions.ts';
import { makeUlid, ULID_RANDOM_BYTES } from '../../sync-server/protocol/ids.ts';
import type { WireMessage } from '../../sync-server/protocol/wire.ts';

const NOON = Date.UTC(2030, 0, 1, 12);
const id = (at: number) => makeUlid(at, new Uint8Array(ULID_RANDOM_BYTES).fill(255));

const said = (author: string, at: number): WireMessage => ({
  message_id: id(at),
  session_id: 's',
  role: 'user',
  author_id: author,
  author_name: author,
  content: 'words',
  created_at: new Date(at).toISOString(),
});
const session = (last: WireMessage | null, late_at: string | null = null) => ({
  is_active: true,
  last_message: last,
  late_at,
});

test('a message is late when it came long after the time in its id, and what the office derives never is', () => {
  expect(isLate(id(NOON), NOON + 4_000)).toBe(false);
  expect(isLate(id(NOON), NOON + 6_000)).toBe(true);
  expect(isLate('r_abcdefghijklmnopqrstuvwxyz0', NOON)).toBe(false);
});

test("[CL7] a session is unread by somebody else's newest message, or by a late one that came since", () => {
  expect(isUnread(session(said('ben', NOON)), 'ada', NOON - 1, 0)).toBe(true);
  expect(isUnread(session(said('ben', NOON)), 'ada', NOON, 0)).toBe(false);
  expect(isUnread(session(said('ada', NOON)), 'ada', 0, 0)).toBe(false);
  expect(isUnread(session(said('ada', NOON)), 'ada', NOON, NOON + 1)).toBe(true);
  expect(isUnread({ ...session(said('ben', NOON)), is_active: false }, 'ada', 0, NOON)).toBe(false);
  expect(isUnread(session(null), 'ada', 0, 0)).toBe(false);
});

test('[CL7] a session is unread by a late message that came while no device of its reader was connected', () => {
  const missed = session(said('ada', NOON - 9), new Date(NOON).toISOString());
  expect(isUnread(missed, 'ada', NOON - 1, 0)).toBe(true);
  expect(isUnread(missed, 'ada', NOON - 1, NOON - 2)).toBe(true);
  expect(isUnread(missed, 'ada', NOON, 0)).toBe(false);
  expect(isUnread(missed, 'ada', NOON, NOON + 1)).toBe(true);
});

test('a position moves forward only', () => {
  const positions = advance({}, 's', 5);
  expect(advance(positions, 's', 4)).toBe(positions);
  expect(advance(positions, 's', 6)).toEqual({ s: 6 });
});
