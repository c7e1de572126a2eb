import { expect, test } from 'vitest';
import { parseOllamaHost } from '../../../agents/model/ollama-host.ts';

test.each([
  ['localhost', 'http://localhost:11434'],
  ['gpu.lan:9000', 'http://gpu.lan:9000'],
  [':9000', 'http://127.0.0.1:9000'],
  ['10.0.0.5', 'http://10.0.0.5:11434'],
  ['0.0.0.0', 'http://127.0.0.1:11434'],
  ['0.0.0.0:80', 'http://127.0.0.1:80'],
  ['::', 'http://[::1]:11434'],
  ['[::]:9000', 'http://[::1]:9000'],
  ['::1', 'http://[::1]:11434'],
  ['[fe80::1]:9000', 'http://[fe80::1]:9000'],
  ['http://gpu.lan', 'http://gpu.lan:80'],
  ['http://gpu.lan:80', 'http://gpu.lan:80'],
  ['https://gpu.lan', 'https://gpu.lan:443'],
  ['HTTPS://gpu.lan:8443/ollama/', 'https://gpu.lan:8443/ollama'],
  ['http://0.0.0.0:11434/', 'http://127.0.0.1:11434'],
  ['  "localhost:1"  ', 'http://localhost:1'],
  ['gpu.lan/ollama', 'http://gpu.lan:11434/ollama'],
])('%s is reached at %s', (setting, url) => {
  expect(parseOllamaHost(setting)).toEqual({ kind: 'set', url });
});

test.each([undefined, '', '  ', '""'])('%j is not set', (setting) => {
  expect(parseOllamaHost(setting)).toEqual({ kind: 'unset' });
});

test.each(['ftp://x', 'localhost:port', 'localhost:70000', 'http://me:secret@gpu.lan', 'two words', 'x?y=1'])(
  '%s is refused with a sentence that quotes it',
  (setting) => {
    expect(parseOllamaHost(setting)).toMatchObject({ kind: 'unreadable', message: expect.stringContaining(setting) });
  },
);
