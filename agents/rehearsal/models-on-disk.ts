import { createHash } from 'node:crypto';
import { fullModelName } from '../model/model-name.ts';

/** The model that the rehearsal server always has at first. */
export const REHEARSAL_MODEL = 'rehearsal:latest';

/** A real server's default (OLLAMA_KEEP_ALIVE). */
const KEEP_ALIVE_MS = 5 * 60_000;
export const NOMINAL_SIZE_BYTES = 65_536;
const DEFAULT_CONTEXT_TOKENS = 4096;

export type StoredModel = {
  readonly name: string;
  readonly sizeBytes: number;
  readonly digest: string;
  readonly modifiedAt: Date;
};

type Loaded = { readonly contextTokens: number; expiresAt: number };

/** Which models the rehearsal server has, and which of them are in memory. A different context length loads anew. */
export class ModelsOnDisk {
  readonly #stored = new Map<string, StoredModel>();
  readonly #loaded = new Map<string, Loaded>();

  constructor(names: readonly string[]) {
    for (const name of names) this.install(name);
  }

  install(name: string): void {
    const full = fullModelName(name);
    this.#stored.set(full, {
      name: full,
      sizeBytes: NOMINAL_SIZE_BYTES,
      digest: digestOf(full),
      modifiedAt: new Date(),
    });
  }

  remove(name: string): void {
    this.#stored.delete(fullModelName(name));
    this.#loaded.delete(fullModelName(name));
  }

  find(name: string): StoredModel | null {
    return this.#stored.get(fullModelName(name)) ?? null;
  }

  all(): StoredModel[] {
    return [...this.#stored.values()];
  }

  inMemory(nowMs: number): { model: StoredModel; contextTokens: number; expiresAt: Date }[] {
    return this.all().flatMap((model) => {
      const loaded = this.#loaded.get(model.name);
      if (loaded === undefined || loaded.expiresAt <= nowMs) return [];
      return [{ model, contextTokens: loaded.contextTokens, expiresAt: new Date(loaded.expiresAt) }];
    });
  }

  /** Marks the model as used now. Answers whether it had to be loaded for that. */
  use(model: StoredModel, contextTokens: number | null, nowMs: number): { hadToLoad: boolean; contextTokens: number } {
    const before = this.#loaded.get(model.name);
    const wanted = contextTokens ?? before?.contextTokens ?? DEFAULT_CONTEXT_TOKENS;
    const hadToLoad = before === undefined || before.expiresAt <= nowMs || before.contextTokens !== wanted;
    this.#loaded.set(model.name, { contextTokens: wanted, expiresAt: nowMs + KEEP_ALIVE_MS });
    return { hadToLoad, contextTokens: wanted };
  }

  unload(model: StoredModel): void {
    this.#loaded.delete(model.name);
  }
}

/** Made from the name: there is no file to hash. */
export function digestOf(name: string): string {
  return createHash('sha256').update(fullModelName(name)).digest('hex');
}
