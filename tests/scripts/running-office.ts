import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from './until.ts';

const root = join(import.meta.dirname, '..', '..');

export type Ending = Readonly<{ code: number | null; output: string }>;

/** A launcher (or one of its scripts) in a process of its own; it and what it started are gone after the test. */
export class RunningScript {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  #output = '';

  constructor(script: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const machine = Object.entries(process.env).filter(([name]) => !/^(DAENA_|OLLAMA_)/.test(name));
    this.child = spawn(process.execPath, [join(root, script), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...Object.fromEntries(machine), STAND_IN_BROWSER: '/dev/null', ...environment },
    });
    const keep = (chunk: string) => {
      this.#output += chunk;
    };
    this.child.stdout?.setEncoding('utf8').on('data', keep);
    this.child.stderr?.setEncoding('utf8').on('data', keep);
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => resolve({ code, output: this.#output }));
    });
    onTestFinished(async () => {
      // Its own children end by themselves when their channel to it breaks.
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  get output(): string {
    return this.#output;
  }

  /** Waits until it has printed something. */
  async printed(text: string | RegExp): Promise<void> {
    await until(`${text} in: ${this.#output}`, () =>
      typeof text === 'string' ? this.#output.includes(text) : text.test(this.#output),
    );
  }
}

/** The launcher with stand-ins on a data folder. */
export function startOffice(
  dataFolder: string,
  environment: Readonly<Record<string, string>> = {},
  args: readonly string[] = ['--no-open'],
): RunningScript {
  return new RunningScript('tests/scripts/stand-ins/office.ts', ['--data', dataFolder, ...args], environment);
}

/** The process ids under which a program was started so far. */
export function pidsOf(dataFolder: string, program: 'server' | 'agents'): number[] {
  return linesOf(join(dataFolder, `${program}.pids`)).map(Number);
}

export function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    // Not written yet: nothing so far.
    return [];
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}
