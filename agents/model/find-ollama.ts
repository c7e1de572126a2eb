import { access, constants } from 'node:fs/promises';
import { posix, win32 } from 'node:path';

export type Machine = {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether there is a file that may be run. */
  readonly canRun: (path: string) => Promise<boolean>;
};

const THIS_MACHINE: Machine = { platform: process.platform, env: process.env, canRun };

/** The path of the `ollama` program, on PATH or where its installers put it; null where there is none. */
export async function findOllama(machine: Machine = THIS_MACHINE): Promise<string | null> {
  for (const candidate of ollamaCandidates(machine.platform, machine.env)) {
    if (await machine.canRun(candidate)) return candidate;
  }
  return null;
}

/** Where to look, in order. Pure. */
export function ollamaCandidates(platform: NodeJS.Platform, env: Machine['env']): string[] {
  if (platform === 'win32') {
    // Windows does not care about the case of a variable's name; a copied environment does.
    const path = env.PATH ?? env.Path ?? '';
    const programs = env.LOCALAPPDATA ? [win32.join(env.LOCALAPPDATA, 'Programs', 'Ollama')] : [];
    return [...path.split(';').filter(Boolean), ...programs].map((folder) => win32.join(folder, 'ollama.exe'));
  }
  const usual = ['/usr/local/bin', '/usr/bin', '/opt/homebrew/bin', '/snap/bin'];
  const folders = [...(env.PATH ?? '').split(':').filter(Boolean), ...usual];
  const inApp = platform === 'darwin' ? ['/Applications/Ollama.app/Contents/Resources/ollama'] : [];
  return [...new Set(folders.map((folder) => posix.join(folder, 'ollama'))), ...inApp];
}

async function canRun(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: both mean that this is not the program.
    return false;
  }
}
