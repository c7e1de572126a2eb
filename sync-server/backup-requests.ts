import { z } from 'zod';
import { reasonOf } from './logger.ts';

/** What the launcher asks for; the folder is absolute. */
const requestSchema = z.object({
  type: z.literal('backup'),
  request: z.string(),
  into: z.string().min(1),
  keep: z.int().positive(),
});

export interface BackupRequest {
  readonly into: string;
  readonly keep: number;
}

/**
 * Answers a launcher's request for a backup: `{type: 'backup', request, folder}` once it is whole, or
 * `{type: 'backup', request, problem}` with a sentence. Other messages are left alone. Never rejects.
 * @param backUp makes one; rejects with a sentence
 */
export async function answerBackupRequest(
  message: unknown,
  backUp: (request: BackupRequest) => Promise<string>,
  tell: (answer: unknown) => void,
): Promise<void> {
  const parsed = requestSchema.safeParse(message);
  if (!parsed.success) return;
  const { request, into, keep } = parsed.data;
  try {
    tell({ type: 'backup', request, folder: await backUp({ into, keep }) });
  } catch (error) {
    tell({ type: 'backup', request, problem: reasonOf(error) });
  }
}
