// server.env and agents.env in the data folder: KEY=value lines, made with commented defaults at the first start.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from './error-code.ts';

/** A program that the launcher starts, each with its own settings file, log and restarts. */
export type ProgramName = 'server' | 'agents';

const SETTING_NAMES = {
  server: [
    'DAENA_PORT',
    'DAENA_HOST',
    'DAENA_TLS_CERT',
    'DAENA_TLS_KEY',
    'DAENA_TRUSTED_ORIGINS',
    'DAENA_OWNER_EMAIL',
    'DAENA_OWNER_PASSWORD',
    'DAENA_DURABILITY',
  ],
  agents: ['OLLAMA_HOST', 'DAENA_MODEL', 'DAENA_WORKER_SLOTS'],
} as const satisfies Record<ProgramName, readonly string[]>;

const TEMPLATES: Record<ProgramName, string> = {
  server: `# Settings of Daena's server. Take the # away to set one; the environment and options of npm start win over this file.
# DAENA_PORT=7433
# DAENA_HOST=127.0.0.1
# DAENA_TLS_CERT=
# DAENA_TLS_KEY=
# DAENA_TRUSTED_ORIGINS=https://office.example,https://other.example
# DAENA_OWNER_EMAIL=
# DAENA_OWNER_PASSWORD=
# DAENA_DURABILITY=power-cut
`,
  agents: `# Settings of Daena's agents. Take the # away to set one; the environment wins over this file.
# OLLAMA_HOST=127.0.0.1:11434
# DAENA_MODEL=qwen3:4b
# DAENA_WORKER_SLOTS=2
`,
};

export type Settings = ReadonlyMap<string, string>;

/** Settings by name (empty ones left out), or one sentence for each thing that is wrong with the file. */
export type SettingsReading = Readonly<{ settings: Settings; problems: readonly string[] }>;

/** Reads a program's settings file, after making it with commented defaults (mode 0600) where there is none. */
export function readSettingsFile(dataFolder: string, program: ProgramName): SettingsReading {
  const path = join(dataFolder, `${program}.env`);
  try {
    writeFileSync(path, TEMPLATES[program], { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) return unreadable(path, error);
  }
  try {
    return parseSettings(readFileSync(path, 'utf8'), path, program);
  } catch (error) {
    return unreadable(path, error);
  }
}

/** Reads `KEY=value` lines; `#` starts a comment line, quotes round a value are taken off, nothing is expanded. */
export function parseSettings(text: string, path: string, program: ProgramName): SettingsReading {
  const known: readonly string[] = SETTING_NAMES[program];
  const settings = new Map<string, string>();
  const problems: string[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const where = `Line ${index + 1} of ${path}`;
    const match = /^([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line);
    const [, name, value] = match ?? [];
    if (name === undefined || value === undefined) {
      problems.push(`${where} can't be read: a setting is written NAME=value.`);
    } else if (!known.includes(name)) {
      problems.push(`${where} sets ${name}, which is no setting of the ${program}; those are ${known.join(', ')}.`);
    } else {
      const bare = /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
      if (bare !== '') settings.set(name, bare);
    }
  }
  return { settings, problems };
}

function unreadable(path: string, error: unknown): SettingsReading {
  const reason = error instanceof Error ? error.message : String(error);
  return { settings: new Map(), problems: [`The settings file ${path} can't be read: ${reason}.`] };
}
