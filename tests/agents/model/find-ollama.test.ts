import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findOllama, ollamaCandidates } from '../../../agents/model/find-ollama.ts';

test('PATH comes first, then the usual places of each system', () => {
  expect(ollamaCandidates('linux', { PATH: '/opt/x:/usr/bin' })).toEqual([
    '/opt/x/ollama',
    '/usr/bin/ollama',
    '/usr/local/bin/ollama',
    '/opt/homebrew/bin/ollama',
    '/snap/bin/ollama',
  ]);
  expect(ollamaCandidates('darwin', {}).at(-1)).toBe('/Applications/Ollama.app/Contents/Resources/ollama');
  expect(ollamaCandidates('win32', { Path: 'C:\\bin', LOCALAPPDATA: 'C:\\Users\\a\\AppData\\Local' })).toEqual([
    'C:\\bin\\ollama.exe',
    'C:\\Users\\a\\AppData\\Local\\Programs\\Ollama\\ollama.exe',
  ]);
});

test.skipIf(process.platform === 'win32')('finds a program on PATH only if it may be run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'find-ollama-'));
  const program = join(folder, 'ollama');
  const look = (isFound: (path: string) => boolean) =>
    findOllama({ platform: 'linux', env: { PATH: folder }, canRun: async (path) => isFound(path) });
  expect(await look((path) => path === program)).toBe(program);
  expect(await look(() => false)).toBeNull();

  await writeFile(program, '#!/bin/sh\n');
  await chmod(program, 0o755);
  const { PATH } = process.env;
  try {
    process.env.PATH = folder;
    expect(await findOllama()).toBe(program);
  } finally {
    process.env.PATH = PATH;
    await rm(folder, { recursive: true });
  }
});
