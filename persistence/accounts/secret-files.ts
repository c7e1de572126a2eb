import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { OfficeError } from '../../sync-server/protocol/errors.ts';

const SECRET_BYTES = 32;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/**
 * The secret in a file (43 characters of base64url: 256 random bits), made at the first call, readable by the file's
 * owner only. Two callers at once get the same secret. Throws `storage` where the file cannot be made or holds something else.
 */
export function readOrCreateSecret(path: string): string {
  try {
    return readSecret(path) ?? createSecret(path);
  } catch (error) {
    if (error instanceof OfficeError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OfficeError('storage', `The secret in ${path} cannot be used: ${reason}.`, { cause: error });
  }
}

function readSecret(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  if (!SECRET.test(text)) {
    throw new OfficeError(
      'storage',
      `The file ${path} does not hold a secret of Daena: move it away to get a new one.`,
    );
  }
  return text;
}

function createSecret(path: string): string {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  mkdirSync(dirname(path), { recursive: true });
  // Written whole beside it and then linked, which fails where the name is taken: no reader ever sees half a secret.
  const unfinished = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(unfinished, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(unfinished, path);
    return secret;
  } catch (error) {
    const theirs = isErrno(error, 'EEXIST') ? readSecret(path) : undefined;
    if (theirs === undefined) throw error;
    return theirs;
  } finally {
    unlinkSync(unfinished);
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
