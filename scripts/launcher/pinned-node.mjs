// Finds the Node that Daena runs on, and runs a script with it. Plain JavaScript, because an older Node runs this file.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's folder. Every path of the launcher starts here, never at the current folder. */
export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));

const NEEDED_MAJOR = 24;

/** The pinned Node if it is installed, else the running one if it is new enough, else null. */
export function findNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const pinned = join(repositoryRoot, 'node_modules', 'node', 'bin', name);
  if (existsSync(pinned)) return realpathSync(pinned);
  return Number.parseInt(process.versions.node, 10) >= NEEDED_MAJOR ? process.execPath : null;
}

const noNodeSentence =
  `Daena runs on Node ${NEEDED_MAJOR}, this is Node ${process.versions.node}, and none could be installed beside it: ` +
  `get Node ${NEEDED_MAJOR} at https://nodejs.org and start again.`;

/** Runs a program on this terminal, hands signals on to it, and resolves with its exit code. Never rejects. */
function runToTheEnd(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    const forwards = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
      // A terminal's Ctrl-C reaches the child by itself (on Windows every signal does): handing it on would double it.
      const forward = () => {
        const isDelivered = process.platform === 'win32' || (signal === 'SIGINT' && process.stdin.isTTY);
        if (!isDelivered) child.kill(signal);
      };
      process.on(signal, forward);
      return [signal, forward];
    });
    const end = (code) => {
      for (const [signal, forward] of forwards) process.off(signal, forward);
      resolve(code);
    };
    child.once('error', (error) => {
      process.stderr.write(`${program} could not be started: ${error.message}\n`);
      end(1);
    });
    child.once('exit', (code, signal) => end(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/** Runs one of our TypeScript files under the right Node; resolves with its exit code. */
export async function runScript(script, args) {
  const node = findNode();
  if (node === null) {
    process.stderr.write(`${noNodeSentence}\n`);
    return 1;
  }
  return runToTheEnd(node, [script, ...args]);
}
