import { z } from 'zod';
import { readJson, type Shelf, writeJson } from './device.ts';

/** Sessions whose position is kept; the longest unread go first. */
const MAX_POSITIONS = 2_000;

const positionsSchema = z.record(z.string(), z.number());
export type ReadPositions = Readonly<Record<string, number>>;

const keyOf = (userId: string) => `daena/${userId}/read`;

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
