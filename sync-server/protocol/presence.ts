import { z } from 'zod';

/**
 * A person's awareness state in a session's document. The server puts `user` in place of whatever the peer claims,
 * so a name on screen is the name of who is signed in there.
 */
export const presenceSchema = z.object({
  user: z.object({ id: z.string(), name: z.string() }),
  /** Writing at this moment. */
  isTyping: z.boolean().optional(),
});
