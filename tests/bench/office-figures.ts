import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { median } from './numbers.ts';

export interface OfficeFigures {
  /** From `npm start`'s process to the line that says the office is ready, with everything installed and built. */
  readonly warmStartMs: number;
  /** What a browser loads before the app runs: the page, its scripts and its styles, each compressed with gzip. */
  readonly firstLoadBytes: number;
  readonly firstLoadFiles: number;
}

const ROOT = resolve(import.meta.dirname, '..', '..');
const READY = /Daena is ready/;
/** A first start may build the client. */
const READY_MS = 180_000;

export async function measureOffice({
  folder,
  starts: count,
}: {
  readonly folder: string;
  readonly starts: number;
}): Promise<OfficeFigures> {
  // Builds the client and makes the data where they are missing.
  await startAndStop(folder);
  const starts: number[] = [];
  while (starts.length < count) starts.push(await startAndStop(folder));
  return { warmStartMs: median(starts), ...firstLoad(join(ROOT, 'client', 'dist')) };
}

/** Answers how long the office took to be ready, in ms. */
async function startAndStop(folder: string): Promise<number> {
  const machine = Object.entries(process.env).filter(([name]) => !/^(DAENA_|OLLAMA_)/.test(name));
  const startedAt = performance.now();
  const args = ['scripts/start.mjs', '--no-open', '--port', '0', '--data', join(folder, 'data')];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: Object.fromEntries(machine),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((done) => void child.once('close', () => done()));
  let output = '';
  const { promise, resolve: isReady, reject } = Promise.withResolvers<number>();
  const keep = (chunk: string): void => {
    output += chunk;
    if (READY.test(output)) isReady(performance.now() - startedAt);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  void ended.then(() => reject(new Error(`npm start ended:\n${output}`)));
  const timer = setTimeout(() => reject(new Error(`npm start is not ready:\n${output}`)), READY_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    child.kill('SIGTERM');
    await ended;
  }
}

/** The page and what it names in its head; lazy parts come later and are not counted. */
function firstLoad(dist: string): Pick<OfficeFigures, 'firstLoadBytes' | 'firstLoadFiles'> {
  const page = readFileSync(join(dist, 'index.html'), 'utf8');
  const named = [...page.matchAll(/(?:src|href)="\/?([^"]+\.(?:js|css))"/g)].flatMap(([, path]) => path ?? []);
  const files = ['index.html', ...new Set(named)].map((path) => join(dist, path)).filter((path) => existsSync(path));
  const sizes = files.map((file) => gzipSync(readFileSync(file)).byteLength);
  return { firstLoadBytes: sizes.reduce((total, size) => total + size, 0), firstLoadFiles: files.length };
}
