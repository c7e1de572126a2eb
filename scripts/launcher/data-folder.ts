import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from './error-code.ts';

export function logsFolder(dataFolder: string): string {
  return join(dataFolder, 'logs');
}

/** Makes the data folder (for its owner only) and its logs; null, or one sentence if it can't be written. */
export function prepareDataFolder(dataFolder: string): string | null {
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
    mkdirSync(logsFolder(dataFolder), { recursive: true, mode: 0o700 });
    accessSync(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return unwritableSentence(dataFolder, error);
  }
}

export function unwritableSentence(dataFolder: string, error: unknown): string {
  return `The data folder ${dataFolder} can't be written: ${reasonOf(error)}. Choose another with --data.`;
}
