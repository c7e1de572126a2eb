// START_DAENA.bat under Wine's cmd.exe, with node, npm and ollama that note how they were called.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findProgram } from '../../scripts/launcher/find-program.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { linesOf } from './running-office.ts';
import { until } from './until.ts';

const root = join(import.meta.dirname, '..', '..');
const script = join(root, 'scripts', 'START_DAENA.bat');
const wine = findProgram(['wine', 'wine64'], [], process.env);
const PRESS_A_KEY = 'Press a key to close this window.';

const NODE = '@echo off\r\necho node %*>>"%RECORD%"\r\n';
const OLLAMA = '@echo off\r\necho ollama %*>>"%RECORD%"\r\n';
const NPM = [
  '@echo off',
  'echo npm %* in %CD%>>"%RECORD%"',
  'if not "%1"=="start" exit /b 0',
  'echo what npm says',
  'exit /b %NPM_CODE%',
  '',
].join('\r\n');

/** A Unix path as Wine's programs see it. */
function windowsPath(path: string): string {
  return `Z:${path.replaceAll('/', '\\')}`;
}

test('START_DAENA.bat is ASCII with CRLF, and has no nested blocks', () => {
  const text = readFileSync(script, 'latin1');
  expect(text.split('\r\n').join('')).toMatch(/^[\x20-\x7e]*$/);
  expect(text.split('\r\n').filter((line) => !/^(echo|rem)/.test(line) && /[()]/.test(line))).toEqual([]);
});

describe.skipIf(wine === null)(`START_DAENA.bat${wine === null ? ' (Wine is not installed)' : ''}`, () => {
  let prefix = '';

  function environment(rest: Record<string, string>): NodeJS.ProcessEnv {
    // Without mscoree and mshtml a prefix is made without asking for .NET and a browser.
    return { ...process.env, WINEPREFIX: prefix, WINEDEBUG: '-all', WINEDLLOVERRIDES: 'mscoree,mshtml=', ...rest };
  }

  beforeAll(() => {
    prefix = mkdtempSync(join(tmpdir(), 'daena-wine-'));
    execFileSync(wine ?? '', ['cmd', '/c', 'exit'], { env: environment({}), stdio: 'ignore' });
  }, 180_000);

  afterAll(() => {
    // Ends the Wine of this prefix only.
    execFileSync('wineserver', ['-k'], { env: environment({}), stdio: 'ignore' });
    rmSync(prefix, { recursive: true, force: true, maxRetries: 5 });
  });

  class Run {
    readonly child: ChildProcess;
    readonly ended: Promise<number | null>;
    readonly #record: string;
    #output = '';

    constructor(programs: Record<string, string>, args: readonly string[], npmCode = 0) {
      const folder = tempFolder();
      const bin = join(folder, 'bin');
      mkdirSync(bin);
      for (const [name, text] of Object.entries(programs)) writeFileSync(join(bin, `${name}.cmd`), text);
      this.#record = join(folder, 'record');
      this.child = spawn(wine ?? '', ['cmd', '/c', windowsPath(script), ...args], {
        // Somewhere else: the script finds its checkout by itself.
        cwd: folder,
        stdio: ['pipe', 'pipe', 'ignore'],
        env: environment({
          WINEPATH: windowsPath(bin),
          RECORD: windowsPath(this.#record),
          NPM_CODE: String(npmCode),
        }),
      });
      this.child.stdout?.setEncoding('latin1').on('data', (chunk: string) => {
        this.#output += chunk;
      });
      this.ended = new Promise((resolve) => this.child.once('close', resolve));
      onTestFinished(() => void this.child.kill('SIGKILL'));
    }

    get output(): string {
      return this.#output;
    }

    /** How the programs were called. */
    get calls(): string[] {
      return linesOf(this.#record).map((line) => line.replace(/\s+/g, ' ').trim());
    }

    /** Proves that it waits for a key, then presses one. */
    async waitsForAKey(): Promise<void> {
      await until('it asks for a key', () => this.output.includes(PRESS_A_KEY));
      const first = await Promise.race([this.ended.then(() => 'ended'), nothingFor(300)]);
      expect(first).toBe('waits');
      this.child.stdin?.write('x\r\n');
    }
  }

  function nothingFor(ms: number): Promise<string> {
    return new Promise((resolve) => {
      setTimeout(() => resolve('waits'), ms);
    });
  }

  test('starts the office in its checkout, with its arguments, and closes when that ends well', async () => {
    const run = new Run({ node: NODE, npm: NPM, ollama: OLLAMA }, ['--port', '7500', '--data', 'C:\\my data']);
    expect(await run.ended).toBe(0);
    expect(run.output).toContain('what npm says');
    expect(run.output).not.toContain(PRESS_A_KEY);
    expect(run.output).not.toContain('Ollama');
    expect(run.calls).toEqual([
      'node --version',
      `npm --version in ${windowsPath(root)}`,
      'ollama --version',
      `npm start -- --port 7500 --data "C:\\my data" in ${windowsPath(root)}`,
    ]);
  });

  test('only warns where Ollama is missing', async () => {
    const run = new Run({ node: NODE, npm: NPM }, ['--no-pause']);
    expect(await run.ended).toBe(0);
    expect(run.output).toContain('Ollama is not installed');
    expect(run.output).toContain('https://ollama.com');
    expect(run.calls.at(-1)).toBe(`npm start -- in ${windowsPath(root)}`);
  });

  test('says where to get Node where it is missing, and keeps the window', async () => {
    const run = new Run({ npm: NPM }, []);
    await run.waitsForAKey();
    expect(await run.ended).toBe(1);
    expect(run.output).toContain('https://nodejs.org');
    expect(run.calls).toEqual([]);
  });

  test('says where to get Node where npm is missing', async () => {
    const run = new Run({ node: NODE }, ['--no-pause']);
    expect(await run.ended).toBe(1);
    expect(run.output).toContain('Node.js is installed without npm');
    expect(run.output).not.toContain(PRESS_A_KEY);
  });

  test('keeps the window with what went wrong in it', async () => {
    const run = new Run({ node: NODE, npm: NPM, ollama: OLLAMA }, ['--port', '1'], 3);
    await run.waitsForAKey();
    expect(await run.ended).toBe(3);
    expect(run.output).toContain('what npm says');
    expect(run.output).toContain('ended with an error (code 3)');
  });

  test('returns the exit code at once when it is told not to pause', async () => {
    const run = new Run({ node: NODE, npm: NPM, ollama: OLLAMA }, ['--no-pause', '--port', '1'], 3);
    expect(await run.ended).toBe(3);
    expect(run.output).toContain('ended with an error (code 3)');
    expect(run.output).not.toContain(PRESS_A_KEY);
    expect(run.calls.at(-1)).toBe(`npm start -- --port 1 in ${windowsPath(root)}`);
  });
});
