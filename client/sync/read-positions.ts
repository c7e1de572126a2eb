import { z } from 'zod';
import { isUlid, type Ulid } from '../../sync-server/protocol/ids.ts';
import type { WireSession } from '../../sync-server/protocol/wire.ts';
import { readJson, type Shelf, writeJson } from './device.ts';

/** Sessions whose position is kept; the longest unread go first. */
const MAX_POSITIONS = 2_000;

/** Something that came this long after it was written came late, in ms: longer than a slow network and a busy office take. */
export const LATE_MS = 5_000;

const positionsSchema = z.record(z.string(), z.number());
export type ReadPositions = Readonly<Record<string, number>>;

const keyOf = (userId: string) => `daena/${userId}/read`;
const lateKeyOf = (userId: string) => `daena/${userId}/late`;

/** Stands for every session that this device has not opened yet: what is older than its first use is not news. */
export const FIRST_USE = '*';

/** The positions kept on this device; at its first use they start at `nowMs`. */
export function loadPositions(shelf: Shelf, userId: string, nowMs: number): ReadPositions {
  const parsed = positionsSchema.safeParse(readJson(shelf, keyOf(userId)));
  if (parsed.success) return parsed.data;
  const first = { [FIRST_USE]: nowMs };
  savePositions(shelf, userId, first);
  return first;
}

/** Moves a session's position forward to `at` (ms); never back. Answers the same object where nothing changes. */
export function advance(positions: ReadPositions, sessionId: string, at: number): ReadPositions {
  if ((positions[sessionId] ?? 0) >= at) return positions;
  const newest = Object.entries({ ...positions, [sessionId]: at })
    .sort(([keyA, a], [keyB, b]) => Number(keyB === FIRST_USE) - Number(keyA === FIRST_USE) || b - a)
    .slice(0, MAX_POSITIONS);
  return Object.fromEntries(newest);
}

export const savePositions = (shelf: Shelf, userId: string, positions: ReadPositions): boolean =>
  writeJson(shelf, keyOf(userId), positions);

/** When somebody else's late message last came, ms, by session: an event tells of it before the session's row does. */
export const loadLate = (shelf: Shelf, userId: string): ReadPositions =>
  positionsSchema.safeParse(readJson(shelf, lateKeyOf(userId))).data ?? {};

export const saveLate = (shelf: Shelf, userId: string, late: ReadPositions): boolean =>
  writeJson(shelf, lateKeyOf(userId), late);

const ULID_TIME_CHARS = 10;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ulidTime = (id: Ulid): number =>
  [...id.slice(0, ULID_TIME_CHARS)].reduce((time, char) => time * 32 + CROCKFORD.indexOf(char), 0);

/** Whether a message of this id came long after it was written. Ids that the office derives have no time: those come at once. */
export const isLate = (messageId: string, cameAt: number): boolean =>
  isUlid(messageId) && cameAt - ulidTime(messageId) > LATE_MS;

/** A time of the API in ms; 0 for none. */
export const timeOf = (iso: string | null | undefined): number => (iso ? Date.parse(iso) : 0);

/**
 * Whether a session holds something that its reader has not seen: by its row and by what came late, never by what
 * happens to be loaded.
 *
 * @param readUntil the reader's position, ms
 * @param heardAt when an event last told of somebody else's late message, ms; 0 where none did
 */
export function isUnread(
  session: Pick<WireSession, 'is_active' | 'last_message' | 'late_at'>,
  me: string,
  readUntil: number,
  heardAt: number,
): boolean {
  const last = session.last_message;
  if (!session.is_active || last === null) return false;
  const lateAt = Math.max(heardAt, timeOf(session.late_at));
  return lateAt > readUntil || (last.author_id !== me && Date.parse(last.created_at) > readUntil);
}
