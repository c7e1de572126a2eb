import type { InstalledModel } from './model-client.ts';
import { sameModel } from './model-name.ts';

/** The model that the office was made for. */
const PREFERRED_MODEL = 'qwen2.5:7b-instruct';

/** A larger one rarely answers at reading speed on a machine without a large GPU, so nobody gets it unasked. */
const MAX_UNASKED_BYTES = 10e9;

/** Embedding and ranking models are installed like others, but cannot chat. */
const CANNOT_CHAT = /embed|\bbge\b|bge-|minilm|rerank|bert/i;

export type ModelChoice =
  | { readonly kind: 'active'; readonly model: string }
  | { readonly kind: 'missing'; readonly wanted: string }
  | { readonly kind: 'none-installed' };

/** The wanted model or none; unasked, the preferred one, else the largest that fits, else the smallest. */
export function pickModel(wanted: string | null, installed: readonly InstalledModel[]): ModelChoice {
  const named = (name: string) => installed.find((model) => sameModel(model.name, name));
  if (wanted !== null) {
    const found = named(wanted);
    return found ? { kind: 'active', model: found.name } : { kind: 'missing', wanted };
  }
  const preferred = named(PREFERRED_MODEL);
  if (preferred) return { kind: 'active', model: preferred.name };

  const bySize = installed
    .filter((model) => !CANNOT_CHAT.test(model.name) && !CANNOT_CHAT.test(model.family))
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes || (a.name < b.name ? -1 : 1));
  const sensible = bySize.find((model) => model.sizeBytes <= MAX_UNASKED_BYTES) ?? bySize.at(-1);
  return sensible ? { kind: 'active', model: sensible.name } : { kind: 'none-installed' };
}
