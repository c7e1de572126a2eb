import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

type LockedPackage = Readonly<{ version?: string; optionalDependencies?: Record<string, string> }>;

const path = join(import.meta.dirname, '..', '..', 'package-lock.json');
const packages: Record<string, LockedPackage> = JSON.parse(readFileSync(path, 'utf8')).packages;

/** Whether a package at `from` finds `name`, in its own node_modules or in one above it. */
function isFound(from: string, name: string): boolean {
  if (`${from}/node_modules/${name}` in packages) return true;
  const above = from.lastIndexOf('/node_modules/');
  return from !== '' && above >= 0 ? isFound(from.slice(0, above), name) : `node_modules/${name}` in packages;
}

test('the lockfile names the packages of every system, without which npm ci refuses to install', () => {
  const missing = Object.entries(packages).flatMap(([from, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {})
      .filter((name) => !isFound(from, name))
      .map((name) => `${name}, which ${from} may need`),
  );
  expect(missing).toEqual([]);
});

test.each(['yjs', 'y-protocols', 'lib0', 'lexical', 'solid-js'])('only one copy of %s is installed', (name) => {
  const copies = Object.keys(packages).filter((key) => key.endsWith(`node_modules/${name}`));
  expect(copies).toEqual([`node_modules/${name}`]);
});
