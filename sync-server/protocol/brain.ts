import { z } from 'zod';

/** What answers: a real Ollama, or the rehearsal model where there is none. */
export const brainStatusSchema = z.object({
  connected: z.boolean(),
  ollama_available: z.boolean(),
  llm_available: z.boolean(),
  provider: z.enum(['ollama', 'rehearsal']),
  models: z.array(z.object({ name: z.string(), size: z.number(), modified_at: z.string(), active: z.boolean() })),
  active_model: z.string().nullable(),
  error: z.string().optional(),
});
export type BrainStatus = z.infer<typeof brainStatusSchema>;
