import { z } from 'zod';
import { scopeTypeSchema } from '../../sync-server/protocol/scope.ts';
import { readJson, type Shelf, writeJson } from './device.ts';

const startSchema = z.object({
  session_id: z.string(),
  scope_type: scopeTypeSchema,
  scope_id: z.string().nullable(),
  title: z.string(),
  /** When it was made, ms. */
  at: z.number(),
});
/** A session made on this device that the office may not know yet. */
export type PendingStart = z.infer<typeof startSchema>;

const keyOf = (userId: string) => `daena/${userId}/starts`;

export function loadStarts(shelf: Shelf, userId: string): readonly PendingStart[] {
  const parsed = z.array(startSchema).safeParse(readJson(shelf, keyOf(userId)));
  return parsed.success ? parsed.data : [];
}

/** Changes the list under what other tabs wrote meanwhile. */
export function changeStarts(
  shelf: Shelf,
  userId: string,
  change: (starts: readonly PendingStart[]) => readonly PendingStart[],
): void {
  writeJson(shelf, keyOf(userId), change(loadStarts(shelf, userId)));
}
