import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The version of the program that these scripts belong to. */
export function versionOfDaena(): string {
  const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '..', 'package.json'), 'utf8'));
  return String(version);
}
