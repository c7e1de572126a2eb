import { expect, test } from 'vitest';
import { readConfig } from '../../agents/config.ts';

const GOOD = { DAENA_SERVER: 'http://127.0.0.1:7433/', DAENA_WORKER_TOKEN_FILE: '/data/worker.token' };

test('the two settings that must be there are enough', () => {
  expect(readConfig(GOOD)).toEqual({
    server: 'http://127.0.0.1:7433',
    tokenFile: '/data/worker.token',
    ollamaHost: null,
    model: null,
    slots: 5,
  });
});

test('every setting is read', () => {
  const env = { ...GOOD, OLLAMA_HOST: ':5000', DAENA_MODEL: ' qwen3:4b ', DAENA_WORKER_SLOTS: '8' };
  expect(readConfig(env)).toMatchObject({ ollamaHost: 'http://127.0.0.1:5000', model: 'qwen3:4b', slots: 8 });
});

test('everything that is wrong is said at once', () => {
  const read = readConfig({ DAENA_SERVER: 'ftp://x', OLLAMA_HOST: 'a b', DAENA_WORKER_SLOTS: '0' });
  expect('wrong' in read && read.wrong.map((sentence) => sentence.split(' ')[0])).toEqual([
    'DAENA_SERVER',
    'DAENA_WORKER_TOKEN_FILE',
    'OLLAMA_HOST',
    'DAENA_WORKER_SLOTS',
  ]);
});
