import type { InstalledModel } from './model-client.ts';
import { type ModelChoice, pickModel } from './pick-model.ts';

/*
 * Which endpoint answers.
 *
 *     OLLAMA_HOST set ------------------------------> ollama at that host, whether it answers or not
 *     not set:  unknown --probe--> rehearsal --Ollama answers or is installed--> ollama
 *                          \_________________________________________________/
 *
 * There is no way back from ollama: an Ollama that is down for a while must not let a script answer in its place.
 */

export type Provider = 'ollama' | 'rehearsal';

/** The shape of GET /api/v1/brain/status. */
export type BrainStatus = {
  /** The endpoint in use answers. */
  readonly connected: boolean;
  /** A real Ollama (or the host that the settings name) answers. */
  readonly ollama_available: boolean;
  /** The endpoint answers and has an active model: a turn would be answered now. */
  readonly llm_available: boolean;
  readonly provider: Provider;
  readonly models: readonly { name: string; size: number; modified_at: string; active: boolean }[];
  readonly active_model: string | null;
  /** A sentence for people; absent where nothing is wrong. */
  readonly error?: string;
};

export type Endpoint = { readonly provider: Provider; readonly host: string; readonly model: string };

export type BrainSettings = {
  /** The base URL from OLLAMA_HOST, null where it is not set. */
  readonly explicitHost: string | null;
  readonly wantedModel: string | null;
};

/** What one look round found. */
export type Observation =
  | {
      readonly kind: 'answers';
      readonly provider: Provider;
      readonly host: string;
      readonly models: readonly InstalledModel[];
    }
  | { readonly kind: 'silent'; readonly provider: Provider; readonly host: string; readonly reason: string };

export type BrainState = {
  readonly last: Observation | null;
  /** Looks in a row at which the endpoint in use stayed silent, counted up to the bound. */
  readonly misses: number;
};

/** A server that loads a model can miss one look. */
const MISSES_BEFORE_DOWN = 2;

export const INITIAL_BRAIN: BrainState = { last: null, misses: 0 };

/** The same reference where nothing changes. */
export function nextBrain(state: BrainState, seen: Observation): BrainState {
  if (seen.kind === 'answers') return sameObservation(state.last, seen) ? recovered(state) : { last: seen, misses: 0 };

  const wasUp = state.last?.kind === 'answers' && state.last.host === seen.host;
  if (wasUp && state.misses + 1 < MISSES_BEFORE_DOWN) return { last: state.last, misses: state.misses + 1 };
  return sameObservation(state.last, seen) ? state : { last: seen, misses: MISSES_BEFORE_DOWN };
}

/** Once a real Ollama was in use, it stays so. */
export function isOllamaSettled(settings: BrainSettings, state: BrainState): boolean {
  return settings.explicitHost !== null || state.last?.provider === 'ollama';
}

export function endpointOf(settings: BrainSettings, state: BrainState): Endpoint | null {
  if (state.last?.kind !== 'answers') return null;
  const choice = choiceIn(settings, state.last);
  if (choice.kind !== 'active') return null;
  return { provider: state.last.provider, host: state.last.host, model: choice.model };
}

export function statusOf(settings: BrainSettings, state: BrainState): BrainStatus {
  const { last } = state;
  if (last?.kind !== 'answers') {
    const error =
      last === null ? 'Still looking for Ollama.' : `Ollama does not answer at ${last.host} (${last.reason}).`;
    return { ...NOTHING_ANSWERS, provider: last?.provider ?? 'ollama', error };
  }
  const choice = choiceIn(settings, last);
  const active = choice.kind === 'active' ? choice.model : null;
  const status: BrainStatus = {
    connected: true,
    ollama_available: last.provider === 'ollama',
    llm_available: active !== null,
    provider: last.provider,
    models: last.models.map(({ name, sizeBytes, modifiedAt }) => ({
      name,
      size: sizeBytes,
      modified_at: modifiedAt,
      active: name === active,
    })),
    active_model: active,
  };
  const error = errorOf(choice, last.host);
  return error === null ? status : { ...status, error };
}

const NOTHING_ANSWERS = {
  connected: false,
  ollama_available: false,
  llm_available: false,
  models: [],
  active_model: null,
} as const;

/** A wish for a model is a wish to Ollama; the script speaks whatever was wished. */
function choiceIn(settings: BrainSettings, seen: Extract<Observation, { kind: 'answers' }>): ModelChoice {
  return pickModel(seen.provider === 'ollama' ? settings.wantedModel : null, seen.models);
}

function errorOf(choice: ModelChoice, host: string): string | null {
  switch (choice.kind) {
    case 'active':
      return null;
    case 'missing':
      return `The model "${choice.wanted}" is not installed at ${host}.`;
    case 'none-installed':
      return `Ollama at ${host} has no model that can chat yet.`;
    default:
      return unreachable(choice);
  }
}

function recovered(state: BrainState): BrainState {
  return state.misses === 0 ? state : { ...state, misses: 0 };
}

function sameObservation(a: Observation | null, b: Observation): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function unreachable(choice: never): never {
  throw new Error(`no such choice: ${JSON.stringify(choice)}`);
}
