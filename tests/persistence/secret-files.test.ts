import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readOrCreateSecret } from '../../persistence/accounts/secret-files.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daena-secret-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test('[AC5] a secret is made once, for its owner only, and nothing else is left in the folder', async () => {
  const path = join(folder, 'worker.token');
  const secret = readOrCreateSecret(path);
  expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(readOrCreateSecret(path)).toBe(secret);
  expect(await readdir(folder)).toEqual(['worker.token']);
  if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(readOrCreateSecret(join(folder, 'auth.secret'))).not.toBe(secret);
});

test('[AC5] a file with something else in it is refused, not replaced', async () => {
  const path = join(folder, 'worker.token');
  await writeFile(path, '');
  expect(() => readOrCreateSecret(path)).toThrow(expect.objectContaining({ code: 'storage' }));
});
