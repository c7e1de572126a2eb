import { z } from 'zod';
import { OfficeError } from '../../sync-server/protocol/errors.ts';

export const MIN_PASSWORD_LENGTH = 8;
/** A bound on what scrypt is given. */
export const MAX_PASSWORD_LENGTH = 128;
const MAX_NAME_LENGTH = 100;
const MAX_EMAIL_LENGTH = 254;

export interface NewAccount {
  readonly email: string;
  readonly name: string;
  readonly password: string;
}

/** The form in which addresses are stored and compared. Throws `bad_request` for what is none. */
export function normaliseEmail(email: string): string {
  const parsed = z.email().max(MAX_EMAIL_LENGTH).safeParse(email.trim().toLowerCase());
  if (!parsed.success) throw new OfficeError('bad_request', 'This is not an e-mail address.');
  return parsed.data;
}

/** Throws `bad_request` with the rule that a password breaks. */
export function checkPassword(password: string): void {
  if (password.length < MIN_PASSWORD_LENGTH) {
    throw new OfficeError('bad_request', `A password needs at least ${MIN_PASSWORD_LENGTH} characters.`);
  }
  if (password.length > MAX_PASSWORD_LENGTH) {
    throw new OfficeError('bad_request', `A password has at most ${MAX_PASSWORD_LENGTH} characters.`);
  }
}

/** What a person typed, checked and in its stored form. Throws `bad_request`. */
export function checkNewAccount(account: NewAccount): NewAccount {
  const name = account.name.trim();
  if (name.length === 0) throw new OfficeError('bad_request', 'A name is needed.');
  if (name.length > MAX_NAME_LENGTH) {
    throw new OfficeError('bad_request', `A name has at most ${MAX_NAME_LENGTH} characters.`);
  }
  checkPassword(account.password);
  return { email: normaliseEmail(account.email), name, password: account.password };
}
