import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildClientIfStale, clientDist } from '../../scripts/launcher/client-build.ts';
import { tempFolder } from '../support/temp-folder.ts';

const root = join(import.meta.dirname, '..', '..');

function smallCheckout(): string {
  const folder = tempFolder();
  mkdirSync(join(folder, 'client'));
  mkdirSync(join(folder, 'sync-server', 'protocol'), { recursive: true });
  writeFileSync(join(folder, 'client', 'index.html'), '<script type="module" src="./main.js"></script>');
  writeFileSync(join(folder, 'client', 'main.js'), 'document.title = "one";');
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  writeFileSync(join(folder, 'package-lock.json'), '{}');
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

test('the client is built when what it is made of has changed, and only then', async () => {
  const folder = smallCheckout();
  const build = async () => (await buildClientIfStale(folder, new AbortController().signal, () => undefined)).kind;
  expect(await build()).toBe('built');
  expect(existsSync(join(clientDist(folder), 'index.html'))).toBe(true);
  expect(await build()).toBe('fresh');
  for (const file of ['client/main.js', 'sync-server/protocol/ids.ts', 'package-lock.json']) {
    writeFileSync(join(folder, file), '1;\n');
    expect(await build()).toBe('built');
    expect(await build()).toBe('fresh');
  }
});

test('a build that fails shows why, and is tried again', async () => {
  const folder = smallCheckout();
  writeFileSync(join(folder, 'client', 'main.js'), 'import "./not-there.js";');
  const build = () => buildClientIfStale(folder, new AbortController().signal, () => undefined);
  for (const attempt of [await build(), await build()]) {
    expect(attempt.kind === 'failed' && attempt.output).toContain('not-there.js');
  }
});

test('a build is given up when the office is stopped', async () => {
  const stop = new AbortController();
  const building = buildClientIfStale(smallCheckout(), stop.signal, () => undefined);
  stop.abort();
  expect(await building).toEqual({ kind: 'aborted' });
});
