import { createHash, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;

/** A secret for a link: 43 characters of base64url. */
export const makeToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

/** What is stored of a token. Unsalted, since a token has 256 random bits. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('base64url');
