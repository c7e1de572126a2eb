import { expect, test } from 'vitest';
import { pickModel } from '../../../agents/model/pick-model.ts';

function installed(name: string, gigabytes: number, family = 'llama') {
  return { name, sizeBytes: gigabytes * 1e9, modifiedAt: '2026-01-01T00:00:00Z', family };
}

const MANY = [
  installed('nomic-embed-text:latest', 3, 'nomic-bert'),
  installed('llama3.3:70b', 42),
  installed('llama3.2:1b', 1.3),
  installed('qwen3:4b', 2.6),
];

test('a wanted model is taken, with or without its tag, and missing otherwise', () => {
  expect(pickModel('qwen3:4b', MANY)).toEqual({ kind: 'active', model: 'qwen3:4b' });
  expect(pickModel('mistral', [installed('mistral:latest', 4)])).toEqual({ kind: 'active', model: 'mistral:latest' });
  expect(pickModel('mistral', MANY)).toEqual({ kind: 'missing', wanted: 'mistral' });
});

test('unasked, the preferred model wins', () => {
  const choice = pickModel(null, [...MANY, installed('qwen2.5:7b-instruct', 4.7)]);
  expect(choice).toEqual({ kind: 'active', model: 'qwen2.5:7b-instruct' });
});

test('otherwise the largest that fits and can chat, else the smallest', () => {
  expect(pickModel(null, MANY)).toEqual({ kind: 'active', model: 'qwen3:4b' });
  expect(pickModel(null, [installed('a:70b', 42), installed('b:30b', 18)])).toEqual({ kind: 'active', model: 'b:30b' });
  expect(pickModel(null, [MANY[0] ?? installed('x', 1)])).toEqual({ kind: 'none-installed' });
  expect(pickModel(null, [])).toEqual({ kind: 'none-installed' });
});
