import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';
import { linesOf } from './running-office.ts';

const root = join(import.meta.dirname, '..', '..');

// Stands in for npm: notes its arguments, then does what NPM_DOES says.
const NPM = `
const { appendFileSync, mkdirSync, rmSync } = require('node:fs');
appendFileSync('npm.calls', process.argv.slice(2).join(' ') + '\\n');
if (process.env.NPM_DOES) { console.error(process.env.NPM_DOES); process.exit(1); }
rmSync('node_modules', { recursive: true, force: true });
mkdirSync('node_modules');
`;

const LOCK = {
  packages: {
    '': { name: 'daena' },
    'node_modules/yjs': { version: '13.6.33' },
    'node_modules/vitest': { version: '5.1.1', dev: true },
    'node_modules/other-system': { version: '1.0.0', optional: true },
  },
};

class Checkout {
  readonly folder = tempFolder();

  constructor() {
    mkdirSync(join(this.folder, 'scripts', 'launcher'), { recursive: true });
    for (const file of ['start.mjs', 'test.mjs', 'run.mjs', 'launcher/help.mjs', 'launcher/install.mjs'])
      this.#copy(file);
    for (const file of ['launcher/bootstrap.mjs', 'launcher/pinned-node.mjs']) this.#copy(file);
    const says = 'console.log("runs", process.argv.slice(2).join(" ")); process.exitCode = 7;';
    writeFileSync(
      this.path('scripts/start.ts'),
      `export async function startDaena(args) { console.log("runs", ...args); return 7; }`,
    );
    writeFileSync(this.path('scripts/test.ts'), says);
    writeFileSync(this.path('npm.js'), NPM);
    writeFileSync(this.path('package.json'), '{"type": "commonjs"}');
    writeFileSync(this.path('scripts/package.json'), '{"type": "module"}');
    this.setLock(LOCK);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  setLock(lock: unknown): void {
    writeFileSync(this.path('package-lock.json'), JSON.stringify(lock));
  }

  /** As npm leaves it: the packages that are installed. */
  setInstalled(names: readonly (keyof typeof LOCK.packages)[]): void {
    mkdirSync(this.path('node_modules'), { recursive: true });
    const packages = Object.fromEntries(names.map((name) => [name, LOCK.packages[name]]));
    writeFileSync(this.path('node_modules/.package-lock.json'), JSON.stringify({ packages }));
  }

  get npmCalls(): string[] {
    return linesOf(this.path('npm.calls')).map((line) => line.split(' ').slice(0, 2).join(' '));
  }

  run(script: string, args: readonly string[] = [], npmDoes = ''): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, [this.path(`scripts/${script}`), ...args], {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, npm_execpath: this.path('npm.js'), NPM_DOES: npmDoes },
    });
    let output = '';
    const keep = (chunk: string) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
  }

  #copy(file: string): void {
    cpSync(join(root, 'scripts', file), this.path(`scripts/${file}`));
  }
}

describe('what is missing is installed', () => {
  test('once: a later start does no work', async () => {
    const checkout = new Checkout();
    const first = await checkout.run('start.mjs', ['--port', '1']);
    expect(first.code).toBe(7);
    expect(first.output).toMatch(/^Installing .*\nruns --port 1\n$/);
    expect(checkout.npmCalls).toEqual(['ci --omit=dev']);
    expect(await checkout.run('start.mjs')).toEqual({ code: 7, output: 'runs\n' });
    expect(checkout.npmCalls).toHaveLength(1);
  });

  test('again after the lockfile has changed', async () => {
    const checkout = new Checkout();
    await checkout.run('start.mjs');
    checkout.setLock({ packages: { ...LOCK.packages, 'node_modules/ws': { version: '8.0.0' } } });
    await checkout.run('start.mjs');
    expect(checkout.npmCalls).toEqual(['ci --omit=dev', 'ci --omit=dev']);
  });

  test('with development packages for the tests; a start then leaves them there', async () => {
    const checkout = new Checkout();
    await checkout.run('start.mjs');
    expect((await checkout.run('test.mjs', ['tests/scripts'])).output).toContain('runs tests/scripts');
    await checkout.run('start.mjs');
    expect(checkout.npmCalls).toEqual(['ci --omit=dev', 'ci --include=dev']);
  });

  test('development packages that are there are never taken away', async () => {
    const checkout = new Checkout();
    checkout.setInstalled(['node_modules/vitest']);
    await checkout.run('start.mjs');
    expect(checkout.npmCalls).toEqual(['ci --include=dev']);
  });

  test('not at all where somebody ran npm by hand', async () => {
    const checkout = new Checkout();
    checkout.setInstalled(['node_modules/yjs', 'node_modules/vitest']);
    await checkout.run('start.mjs');
    await checkout.run('test.mjs');
    expect(checkout.npmCalls).toEqual([]);
  });

  test('never through a link to another checkout’s packages', async () => {
    const checkout = new Checkout();
    symlinkSync(tempFolder(), checkout.path('node_modules'));
    const { code, output } = await checkout.run('start.mjs');
    expect(code).toBe(1);
    expect(output).toContain('node_modules is a link');
    expect(checkout.npmCalls).toEqual([]);
  });
});

describe('an install that fails', () => {
  test('shows what npm said, and is tried again', async () => {
    const checkout = new Checkout();
    const { code, output } = await checkout.run('start.mjs', [], 'npm error code EINTEGRITY');
    expect(code).toBe(1);
    expect(output).toContain('npm error code EINTEGRITY');
    expect(output).not.toContain('runs');
    expect((await checkout.run('start.mjs')).output).toContain('runs');
  });

  test('says in one sentence that the registry is out of reach', async () => {
    const { output } = await new Checkout().run('start.mjs', [], 'npm error code ENOTFOUND');
    expect(output.trim().split('\n').at(-1)).toContain('The package registry is out of reach');
  });
});

test('the help needs nothing installed', async () => {
  const checkout = new Checkout();
  const { code, output } = await checkout.run('start.mjs', ['--help']);
  expect(code).toBe(0);
  expect(output).toContain('--trusted-origin');
  expect(existsSync(checkout.path('node_modules'))).toBe(false);
});

test('a script gets its arguments, and its exit code comes back', async () => {
  const checkout = new Checkout();
  expect(await checkout.run('run.mjs', ['scripts/test.ts', 'a', '--b'])).toEqual({ code: 7, output: 'runs a --b\n' });
  expect((await checkout.run('run.mjs')).code).toBe(2);
});

test('a signal to the runner reaches the script', async () => {
  const checkout = new Checkout();
  writeFileSync(
    checkout.path('scripts/waits.ts'),
    "process.on('SIGTERM', () => process.exit(9)); setInterval(() => {}, 60_000); console.log('waits');",
  );
  const child = spawn(process.execPath, [checkout.path('scripts/run.mjs'), 'scripts/waits.ts']);
  child.stdout.once('data', () => child.kill('SIGTERM'));
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(9);
});

test('the pinned Node is the one that runs it', async () => {
  const checkout = new Checkout();
  mkdirSync(checkout.path('node_modules/node/bin'), { recursive: true });
  writeFileSync(checkout.path('node_modules/node/bin/node'), '#!/bin/sh\necho pinned\n', { mode: 0o755 });
  expect(await checkout.run('run.mjs', ['scripts/test.ts'])).toEqual({ code: 0, output: 'pinned\n' });
});
