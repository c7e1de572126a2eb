import { expect, test } from 'vitest';
import {
  type BrainSettings,
  type BrainState,
  endpointOf,
  INITIAL_BRAIN,
  isOllamaSettled,
  nextBrain,
  type Observation,
  statusOf,
} from '../../../agents/model/brain-state.ts';

const HOST = 'http://127.0.0.1:11434';
const NO_WISH: BrainSettings = { explicitHost: null, wantedModel: null };
const QWEN = { name: 'qwen2.5:7b-instruct', sizeBytes: 4.7e9, modifiedAt: '2026-01-01T00:00:00Z', family: 'qwen2' };
const SCRIPT = { name: 'rehearsal:latest', sizeBytes: 1, modifiedAt: '2026-01-01T00:00:00Z', family: 'rehearsal' };

const ollamaUp: Observation = { kind: 'answers', provider: 'ollama', host: HOST, models: [QWEN] };
const ollamaEmpty: Observation = { kind: 'answers', provider: 'ollama', host: HOST, models: [] };
const ollamaSilent: Observation = { kind: 'silent', provider: 'ollama', host: HOST, reason: 'ECONNREFUSED' };
const rehearsing: Observation = {
  kind: 'answers',
  provider: 'rehearsal',
  host: 'http://127.0.0.1:9',
  models: [SCRIPT],
};

function after(...seen: Observation[]): BrainState {
  return seen.reduce(nextBrain, INITIAL_BRAIN);
}

test('a status has exactly the keys of the contract', () => {
  expect(statusOf(NO_WISH, after(ollamaUp))).toEqual({
    connected: true,
    ollama_available: true,
    llm_available: true,
    provider: 'ollama',
    models: [{ name: QWEN.name, size: 4.7e9, modified_at: QWEN.modifiedAt, active: true }],
    active_model: QWEN.name,
  });
  expect(endpointOf(NO_WISH, after(ollamaUp))).toEqual({ provider: 'ollama', host: HOST, model: QWEN.name });
});

test('while nothing answers, turns wait and the status says why', () => {
  for (const state of [INITIAL_BRAIN, after(ollamaSilent)]) {
    expect(statusOf(NO_WISH, state)).toMatchObject({
      connected: false,
      llm_available: false,
      models: [],
      active_model: null,
    });
    expect(statusOf(NO_WISH, state).error).toEqual(expect.any(String));
    expect(endpointOf(NO_WISH, state)).toBeNull();
  }
});

test('an Ollama without the wanted model, or without any, is connected but answers no turn', () => {
  const wish = { explicitHost: null, wantedModel: 'mistral' };
  expect(statusOf(wish, after(ollamaUp))).toMatchObject({
    connected: true,
    llm_available: false,
    active_model: null,
    error: expect.stringContaining('mistral'),
  });
  expect(endpointOf(wish, after(ollamaUp))).toBeNull();
  expect(statusOf(NO_WISH, after(ollamaEmpty))).toMatchObject({ connected: true, llm_available: false });
});

test('the rehearsal model answers whatever model was wished', () => {
  const wish = { explicitHost: null, wantedModel: 'mistral' };
  expect(endpointOf(wish, after(rehearsing))).toMatchObject({ provider: 'rehearsal', model: 'rehearsal:latest' });
  expect(statusOf(wish, after(rehearsing))).toMatchObject({
    connected: true,
    ollama_available: false,
    llm_available: true,
  });
});

test('one missed look is forgiven, a second in a row is not, and an answer in between starts anew', () => {
  expect(endpointOf(NO_WISH, after(ollamaUp, ollamaSilent))).not.toBeNull();
  expect(endpointOf(NO_WISH, after(ollamaUp, ollamaSilent, ollamaSilent))).toBeNull();
  expect(endpointOf(NO_WISH, after(ollamaUp, ollamaSilent, ollamaUp, ollamaSilent))).not.toBeNull();
  expect(endpointOf(NO_WISH, after(ollamaUp, ollamaSilent, ollamaSilent, ollamaUp))).not.toBeNull();
});

test('a look that finds the same gives the same state object', () => {
  const up = after(ollamaUp);
  expect(nextBrain(up, structuredClone(ollamaUp))).toBe(up);
  const down = after(ollamaSilent);
  expect(nextBrain(down, structuredClone(ollamaSilent))).toBe(down);
});

test('an Ollama that was in use stays so while it is down, a rehearsal does not', () => {
  expect(isOllamaSettled(NO_WISH, after(rehearsing))).toBe(false);
  expect(isOllamaSettled(NO_WISH, after(rehearsing, ollamaUp, ollamaSilent, ollamaSilent))).toBe(true);
  expect(isOllamaSettled({ explicitHost: HOST, wantedModel: null }, INITIAL_BRAIN)).toBe(true);
});
