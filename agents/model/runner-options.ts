/** Context length in tokens. A longer one costs memory in every model; a shorter one loses a room's history sooner. */
export const CONTEXT_TOKENS = 8192;

/** How long Ollama keeps a model in memory after a request. */
export const KEEP_ALIVE = '30m';

/**
 * The options with which every model is loaded. Ollama reloads a model whenever one of them differs from the last
 * request's, so every request to a model, preloading included, takes them from here and from nowhere else.
 */
export const RUNNER_OPTIONS = { num_ctx: CONTEXT_TOKENS } as const;

/** What a single request may choose: none of these reloads the model. */
export type SamplingOptions = {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly seed?: number;
  /** The longest answer, in tokens. */
  readonly num_predict?: number;
  readonly stop?: string[];
};
