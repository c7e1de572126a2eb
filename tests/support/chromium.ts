import { findChromium, NO_CHROMIUM_SENTENCE } from '../../scripts/launcher/find-chromium.ts';

/** The browser that tests use: the one that `npm test` found, else the one that is found now. Throws if there is none. */
export function chromiumPath(): string {
  const path = process.env.DAENA_CHROMIUM ?? findChromium(process.env);
  if (path === null) throw new Error(NO_CHROMIUM_SENTENCE);
  return path;
}

/** Arguments for a quiet browser without a sandbox, which root can't have. */
export const CHROMIUM_ARGS: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
