import { z } from 'zod';

/** Parts of Ollama's answers that we read, checked where they come in. Ollama omits numbers that are zero. */

const count = z.number().nonnegative().default(0);

export const chatLine = z.object({
  message: z.object({ content: z.string().default(''), thinking: z.string().default('') }),
  done: z.boolean(),
  done_reason: z.string().optional(),
  total_duration: count,
  load_duration: count,
  prompt_eval_count: count,
  prompt_eval_duration: count,
  eval_count: count,
  eval_duration: count,
});
export type ChatLine = z.output<typeof chatLine>;

export const pullLine = z.object({
  status: z.string().default(''),
  digest: z.string().optional(),
  total: count,
  completed: count,
});

export const tagsAnswer = z.object({
  models: z
    .array(
      z.object({
        name: z.string(),
        size: count,
        modified_at: z.coerce.string(),
        remote_host: z.string().optional(),
        details: z.object({ family: z.string().default('') }).default({ family: '' }),
      }),
    )
    .nullish(),
});

export const psAnswer = z.object({
  models: z.array(z.object({ name: z.string(), size_vram: count, context_length: count })).nullish(),
});

export const versionAnswer = z.object({ version: z.string() });
