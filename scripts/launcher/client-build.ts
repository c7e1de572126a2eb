// Builds the browser's part (client/dist) when its sources have changed since the last build.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const OUTPUT_KEPT_CHARACTERS = 64 * 1024;
const NOT_SOURCES = ['dist', 'node_modules'];

export type BuildOutcome =
  | Readonly<{ kind: 'fresh' }>
  | Readonly<{ kind: 'built' }>
  | Readonly<{ kind: 'failed'; output: string }>
  | Readonly<{ kind: 'aborted' }>;

export function clientDist(root: string): string {
  return join(root, 'client', 'dist');
}

/** Builds unless `client/dist` came from exactly these sources. Never rejects for what the build itself does. */
export async function buildClientIfStale(root: string, signal: AbortSignal, say: (line: string) => void) {
  const hash = hashOfSources(root);
  // Inside dist, which every build empties: the stamp can't speak of another build.
  const stamp = join(clientDist(root), '.sources');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return { kind: 'fresh' } satisfies BuildOutcome;
  say('Building the client ...');
  const outcome = await buildClient(root, signal);
  if (outcome.kind === 'built') writeFileSync(stamp, hash);
  return outcome;
}

function buildClient(root: string, signal: AbortSignal): Promise<BuildOutcome> {
  return new Promise((resolve) => {
    const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
    const child = spawn(process.execPath, [vite, 'build', join(root, 'client'), '--logLevel', 'warn'], {
      cwd: root,
      // A test runner's NODE_ENV would make another client.
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      signal,
    });
    let output = '';
    const keep = (chunk: string) => {
      output = (output + chunk).slice(-OUTPUT_KEPT_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => keep(error.message));
    child.once('close', (code) => {
      if (signal.aborted) resolve({ kind: 'aborted' });
      else resolve(code === 0 ? { kind: 'built' } : { kind: 'failed', output: output.trim() });
    });
  });
}

/** One hash of all that goes into the client: its folder, the protocol, and the packages' versions. */
function hashOfSources(root: string): string {
  const files = [
    ...filesUnder(join(root, 'client')),
    ...filesUnder(join(root, 'sync-server', 'protocol')),
    join(root, 'package-lock.json'),
  ];
  const hash = createHash('sha256');
  for (const file of files) {
    const content = readFileSync(file);
    hash.update(`${relative(root, file).split(sep).join('/')}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function filesUnder(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_SOURCES.includes(entry.name) ? [] : filesUnder(path);
    return entry.isFile() ? [path] : [];
  });
}
