// What the command-line tools need of an office's data folder: its accounts, and where the running office answers.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Accounts, createAccounts } from '../persistence/accounts/accounts.ts';
import { readOrCreateSecret } from '../persistence/accounts/secret-files.ts';
import { openOfficeDatabase } from '../persistence/backup/migrate-safely.ts';
import { DEFAULT_HOST, DEFAULT_PORT } from '../sync-server/config.ts';
import { dataFolderOf } from './launcher/config.ts';
import { type Flags, readFlags } from './launcher/flags.ts';
import { type Holder, lockPath, readLock } from './launcher/one-instance-lock.ts';
import { versionOfDaena } from './version-of-daena.ts';

export interface OfficeData {
  readonly folder: string;
  readonly accounts: Accounts;
  /** The office that runs on this data, as its lock says; null where none does. */
  readonly holder: Holder | null;
  /** Where people reach the office, running or not. */
  readonly address: string;
  close(): void;
}

/** The launcher's flags for tools: what `--data` says. Throws a sentence for anything else that is not understood. */
export function toolFlags(args: readonly string[]): Flags {
  const { flags, problems } = readFlags(args);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return flags;
}

/** Opens the accounts beside a running office, or without one. Rejects with a sentence where there is no office yet. */
export async function openOfficeData(flags: Flags): Promise<OfficeData> {
  const folder = dataFolderOf(flags, process.env, resolve(import.meta.dirname, '..'));
  const file = join(folder, 'daena.sqlite');
  if (!existsSync(file)) throw new Error(`There is no office in ${folder} yet: start it once with npm start.`);
  const lock = readLock(lockPath(folder));
  const holder = lock.kind === 'holder' ? lock.holder : null;
  const address = holder?.address ?? `http://${DEFAULT_HOST}:${DEFAULT_PORT}`;
  const now = () => Date.now();
  const database = await openOfficeDatabase({ dataFolder: folder, version: versionOfDaena(), now });
  const accounts = createAccounts({
    database,
    baseUrl: address,
    secret: readOrCreateSecret(join(folder, 'auth.secret')),
    trustedOrigins: [],
    secureCookies: address.startsWith('https:'),
    now,
  });
  return { folder, accounts, holder, address, close: () => database.close() };
}

/** Runs a tool: its exit code, or the sentence of what went wrong and 1. */
export async function runTool(tool: () => Promise<number> | number): Promise<void> {
  try {
    process.exitCode = await tool();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
