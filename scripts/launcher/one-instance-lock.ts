// One office per data folder.
//
// The lock is a file that appears by an exclusive hard link, so that it is never seen half written. It names a control
// port and a nonce; the holder lives exactly if that port answers with a proof of the nonce.
//
// A dead holder's lock is replaced by whoever first makes the file `<lock>.after-<dead nonce>`, itself a lock of the
// same kind. A nonce is never used twice, so of any number of starters only one can replace a given lock, and a starter
// who died in between is replaced by the same rule, one file further.
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { askControlPort } from './control-port.ts';
import { hasCode } from './error-code.ts';

export type Holder = Readonly<{ pid: number; address: string; controlPort: number; nonce: string }>;

export type LockOutcome =
  | Readonly<{ kind: 'taken' }>
  | Readonly<{ kind: 'held'; holder: Holder; address: string }>
  /** Its process may live, its port is open, and it doesn't answer. */
  | Readonly<{ kind: 'silent'; holder: Holder }>
  | Readonly<{ kind: 'unreadable'; path: string }>;

const ANSWER_TIMEOUT_MS = 3_000;
/** Each attempt ends in an outcome unless a lock appears or goes away just then. */
const ATTEMPTS_MAX = 50;
const ATTEMPT_PAUSE_MS = 40;
/** On a file system without hard links a lock may be seen half written, for an instant. */
const UNREADABLE_ATTEMPTS_MAX = 25;

export function lockPath(dataFolder: string): string {
  return join(dataFolder, 'daena.lock');
}

export function makeNonce(): string {
  return randomBytes(16).toString('hex');
}

/** Takes the lock for `mine`, whose control port must answer already. Rejects if the folder can't be written. */
export async function takeLock(path: string, mine: Holder): Promise<LockOutcome> {
  let unreadableSeen = 0;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    if (createExclusively(path, mine)) return { kind: 'taken' };
    const reading = readLock(path);
    if (reading.kind === 'unreadable') unreadableSeen += 1;
    if (unreadableSeen > UNREADABLE_ATTEMPTS_MAX) return { kind: 'unreadable', path };
    if (reading.kind === 'holder') {
      const outcome = await replaceIfDead(path, reading.holder, mine);
      if (outcome !== null) return outcome;
    }
    await pause(ATTEMPT_PAUSE_MS);
  }
  return { kind: 'unreadable', path };
}

/** Puts `mine` with its final address in the place of the lock that is held already. */
export function rewriteLock(path: string, mine: Holder): void {
  renameSync(writeBeside(path, mine), path);
}

/** Removes the lock if it is still the one with this nonce. */
export function releaseLock(path: string, nonce: string): void {
  const reading = readLock(path);
  if (reading.kind === 'holder' && reading.holder.nonce === nonce) rmSync(path, { force: true });
}

export type LockReading =
  | Readonly<{ kind: 'holder'; holder: Holder }>
  | Readonly<{ kind: 'none' }>
  | Readonly<{ kind: 'unreadable' }>;

export function readLock(path: string): LockReading {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { kind: hasCode(error, 'ENOENT') ? 'none' : 'unreadable' };
  }
  const holder = parseHolder(text);
  return holder === null ? { kind: 'unreadable' } : { kind: 'holder', holder };
}

/** Null: look again. */
async function replaceIfDead(path: string, holder: Holder, mine: Holder): Promise<LockOutcome | null> {
  const { controlPort: port, nonce } = holder;
  const answer = await askControlPort({ port, nonce, command: 'alive', timeoutMs: ANSWER_TIMEOUT_MS });
  if (answer.kind === 'answered') return { kind: 'held', holder, address: answer.address };
  if (answer.kind === 'silent' && processExists(holder.pid)) return { kind: 'silent', holder };

  const claim = `${path}.after-${holder.nonce}`;
  const outcome = await takeLock(claim, mine);
  if (outcome.kind !== 'taken') return outcome;
  try {
    const now = readLock(path);
    if (now.kind !== 'holder' || now.holder.nonce !== holder.nonce) return null;
    rewriteLock(path, mine);
    return { kind: 'taken' };
  } finally {
    rmSync(claim, { force: true });
  }
}

function createExclusively(path: string, mine: Holder): boolean {
  const whole = writeBeside(path, mine);
  try {
    linkSync(whole, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    return createWithoutLinks(path, mine);
  } finally {
    rmSync(whole, { force: true });
  }
}

/** For file systems that have no hard links. */
function createWithoutLinks(path: string, mine: Holder): boolean {
  try {
    writeFileSync(path, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function writeBeside(path: string, mine: Holder): string {
  const beside = `${path}.${makeNonce()}.new`;
  writeFileSync(beside, JSON.stringify(mine), { flag: 'wx', mode: 0o600, flush: true });
  return beside;
}

function parseHolder(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    if (!('pid' in value && 'address' in value && 'controlPort' in value && 'nonce' in value)) return null;
    const { pid, address, controlPort, nonce } = value;
    const isHolder =
      typeof pid === 'number' &&
      typeof address === 'string' &&
      typeof controlPort === 'number' &&
      typeof nonce === 'string' &&
      /^[0-9a-f]{32}$/.test(nonce);
    return isHolder ? { pid, address, controlPort, nonce } : null;
  } catch {
    // Cut off in the middle, or not ours: the caller looks again, then says so.
    return null;
  }
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
