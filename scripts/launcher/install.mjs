// Installs the packages that are missing. Plain JavaScript without dependencies: it runs before anything is installed.
//
// A stamp inside node_modules (the lockfile's hash, and whether development packages are there) tells a later start
// that nothing is to be done. It goes away with the folder, so it can't outlive what it speaks of.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './pinned-node.mjs';

const OUTPUT_KEPT_CHARACTERS = 64 * 1024;
const OFFLINE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT/;

/**
 * Makes sure that what package-lock.json names is installed; `withDevelopment` adds what tests and checks need.
 * Development packages that are there stay. Resolves with null when all is there, else with what to tell the user.
 */
export async function installMissing({ withDevelopment, say }) {
  const folder = join(repositoryRoot, 'node_modules');
  const lockText = readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8');
  const lock = createHash('sha256').update(lockText).digest('hex');
  const stampFile = join(folder, '.daena-install.json');
  const stamp = readJson(stampFile);
  if (stamp?.lock === lock && (stamp.dev || !withDevelopment)) return null;

  const installed = readJson(join(folder, '.package-lock.json'))?.packages ?? {};
  const isComplete = (dev) => holdsAll(installed, JSON.parse(lockText).packages, dev);
  if (isComplete(withDevelopment)) {
    writeFileSync(stampFile, JSON.stringify({ lock, dev: isComplete(true) }));
    return null;
  }
  if (isLink(folder)) {
    return `node_modules is a link, and what it leads to is not what package-lock.json names: install there, or remove the link.`;
  }

  const dev = withDevelopment || Object.values(installed).some((entry) => entry.dev === true);
  say('Installing what Daena needs; the first time this takes a minute or two ...');
  const failure = await npmInstall(dev);
  if (failure !== null) return failure;
  writeFileSync(stampFile, JSON.stringify({ lock, dev }));
  return null;
}

/** Whether every package that this machine must have is installed in the version that the lockfile names. */
function holdsAll(installed, wanted, withDevelopment) {
  return Object.entries(wanted).every(([path, entry]) => {
    const isOptional = entry.optional === true || entry.devOptional === true;
    if (path === '' || isOptional || (entry.dev === true && !withDevelopment)) return true;
    return installed[path]?.version === entry.version;
  });
}

async function npmInstall(dev) {
  // Windows can't replace a program that is running: there, `npm ci` would fail on the pinned Node that runs this.
  const runsFromFolder =
    process.platform === 'win32' && process.execPath.startsWith(join(repositoryRoot, 'node_modules'));
  const args = [runsFromFolder ? 'install' : 'ci', dev ? '--include=dev' : '--omit=dev', '--no-audit', '--no-fund'];
  args.push('--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000');
  const { code, output } = await npm(args);
  if (code === 0) return null;
  if (OFFLINE.test(output)) {
    return `${output}\nThe package registry is out of reach, and Daena needs it once, to install what is missing: connect this machine to the internet (or set npm's proxy) and start again.`;
  }
  return `${output}\nInstalling failed (npm ended with ${code}); npm's own words are above.`;
}

function npm(args) {
  return new Promise((resolve) => {
    // Under `npm start`, npm says which npm this is; otherwise the one on the PATH (a .cmd on Windows, hence the shell).
    const npmScript = process.env.npm_execpath;
    const options = { cwd: repositoryRoot, stdio: ['ignore', 'pipe', 'pipe'] };
    const child = npmScript?.endsWith('.js')
      ? spawn(process.execPath, [npmScript, ...args], options)
      : spawn('npm', args, { ...options, shell: process.platform === 'win32' });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-OUTPUT_KEPT_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => resolve({ code: 1, output: `npm could not be started: ${error.message}` }));
    child.once('close', (code, signal) => resolve({ code: code ?? signal, output: output.trim() }));
  });
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Missing or cut off in the middle: both mean that nothing is known, and that is looked up afresh.
    return null;
  }
}

function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
