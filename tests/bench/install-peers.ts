import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const FOLDER = import.meta.dirname;
const STAMP = join(FOLDER, 'node_modules', '.bench-install');

/** Installs the other servers beside the benchmark, where what the lockfile names is not there yet. */
export function installPeers(say: (line: string) => void): void {
  const lock = createHash('sha256')
    .update(readFileSync(join(FOLDER, 'package-lock.json')))
    .digest('hex');
  // The runtime's own version is part of it: native parts are made for it.
  const wanted = `${lock} ${process.version}`;
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  say('Installing the servers to compare with ...');
  const npmScript = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  const options = {
    cwd: FOLDER,
    encoding: 'utf8',
    // Their install scripts run on the Node that they will run on.
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` },
  } as const;
  const { status, stdout, stderr, error } = npmScript?.endsWith('.js')
    ? spawnSync(process.execPath, [npmScript, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (status !== 0)
    throw new Error(`The servers to compare with could not be installed.\n${error?.message ?? ''}${stdout}${stderr}`);
  writeFileSync(STAMP, wanted);
}
