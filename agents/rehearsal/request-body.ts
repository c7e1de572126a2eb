import { z } from 'zod';

/** Roles other than the three are answered, too (a real server does). */
const message = z.object({ role: z.string().default('user'), content: z.string().default('') });
export type PromptMessage = z.output<typeof message>;

/** What chat and generate are asked with; one shape for both, the other's fields stay empty. */
export const chatRequestBody = z.object({
  model: z.string().default(''),
  messages: z
    .array(message)
    .nullish()
    .transform((messages) => messages ?? []),
  prompt: z.string().default(''),
  system: z.string().default(''),
  stream: z.boolean().default(true),
  think: z.union([z.boolean(), z.string()]).nullish(),
  tools: z.array(z.unknown()).nullish(),
  format: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
  keep_alive: z.union([z.string(), z.number()]).nullish(),
  options: z.record(z.string(), z.unknown()).nullish(),
});
export type ChatRequestBody = z.output<typeof chatRequestBody>;

/** Calls about a model name it under `model`, older clients under `name`. */
export const modelRequestBody = z
  .object({ model: z.string().optional(), name: z.string().optional(), stream: z.boolean().default(true) })
  .transform(({ model, name, stream }) => ({ model: model ?? name ?? '', stream }));
