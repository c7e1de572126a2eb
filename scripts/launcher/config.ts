// The launcher's configuration: an option wins over the environment, the environment over the settings file.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DEFAULT_OLLAMA_URL, parseOllamaHost } from '../../agents/model/ollama-host.ts';
import { DEFAULT_HOST, DEFAULT_PORT } from '../../sync-server/config.ts';
import type { Flags } from './flags.ts';
import type { OllamaAddress } from './ollama.ts';
import type { ProgramName, Settings } from './settings-files.ts';

export type ServerSettings = Readonly<{
  /** 0: any free port. */
  port: number;
  host: string;
  tls: Readonly<{ cert: string; key: string }> | null;
  trustedOrigins: readonly string[];
  owner: Readonly<{ email: string; password: string }> | null;
  /** As it was written: the server reads it. */
  durability: string | null;
}>;

export type AgentsSettings = Readonly<{
  /** As it was written, or null where it is not set. */
  ollamaHost: string | null;
  ollama: OllamaAddress;
  model: string | null;
  /** As it was written: the agents read it. */
  slots: string | null;
}>;

export type LauncherConfig = Readonly<{
  /** Absolute. */
  dataFolder: string;
  opensBrowser: boolean;
  server: ServerSettings;
  agents: AgentsSettings;
}>;

export type ConfigReading =
  | Readonly<{ kind: 'config'; config: LauncherConfig }>
  | Readonly<{ kind: 'wrong'; problems: readonly string[] }>;

type Environment = Readonly<Record<string, string | undefined>>;

/** The absolute data folder. A relative one starts at the checkout, whatever the current folder is. */
export function dataFolderOf(flags: Flags, environment: Environment, root: string): string {
  return resolve(root, flags.data ?? (environment.DAENA_DATA || '.daena'));
}

/** Puts flags, environment and settings files together; answers a config or everything that is wrong. */
export function readConfig(sources: {
  flags: Flags;
  environment: Environment;
  files: Readonly<Record<ProgramName, Settings>>;
  root: string;
}): ConfigReading {
  const { flags, environment, files, root } = sources;
  const problems: string[] = [];
  const setting = (program: ProgramName, name: string) => environment[name] || files[program].get(name) || null;
  const server = (name: string) => setting('server', name);

  const port = readPort(flags.port ?? server('DAENA_PORT') ?? String(DEFAULT_PORT), problems);
  const host = readHost(flags.host ?? server('DAENA_HOST') ?? DEFAULT_HOST, problems);
  const cert = flags.tlsCert ?? server('DAENA_TLS_CERT');
  const key = flags.tlsKey ?? server('DAENA_TLS_KEY');
  const tls = readTls(cert, key, root, problems);
  const written = [...(server('DAENA_TRUSTED_ORIGINS')?.split(',') ?? []), ...flags.trustedOrigins];
  const trustedOrigins = readOrigins(written, problems);
  const owner = readOwner(server('DAENA_OWNER_EMAIL'), server('DAENA_OWNER_PASSWORD'), problems);

  const ollamaHost = setting('agents', 'OLLAMA_HOST');
  const ollama = readOllama(ollamaHost, problems);

  if (problems.length > 0) return { kind: 'wrong', problems };
  const config = {
    dataFolder: dataFolderOf(flags, environment, root),
    opensBrowser: !flags.noOpen && !isYes(environment.DAENA_NO_OPEN),
    server: { port, host, tls, trustedOrigins, owner, durability: server('DAENA_DURABILITY') },
    agents: {
      ollamaHost,
      ollama,
      model: setting('agents', 'DAENA_MODEL'),
      slots: setting('agents', 'DAENA_WORKER_SLOTS'),
    },
  };
  return { kind: 'config', config };
}

function readPort(text: string, problems: string[]): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  problems.push(`The port (--port, DAENA_PORT) is "${text}"; it must be a number from 0 to 65535.`);
  return 0;
}

function readHost(text: string, problems: string[]): string {
  if (!/^[A-Za-z0-9._:%-]+$/.test(text)) {
    problems.push(`The host (--host, DAENA_HOST) is "${text}"; it must be a name or an address such as 0.0.0.0.`);
  }
  return text;
}

function readTls(cert: string | null, key: string | null, root: string, problems: string[]): ServerSettings['tls'] {
  if (cert === null && key === null) return null;
  if (cert === null || key === null) {
    problems.push(
      'https needs both a certificate (--tls-cert, DAENA_TLS_CERT) and its key (--tls-key, DAENA_TLS_KEY).',
    );
    return null;
  }
  const tls = { cert: resolve(root, cert), key: resolve(root, key) };
  for (const [what, path] of [
    ['certificate', tls.cert],
    ['key', tls.key],
  ]) {
    try {
      readFileSync(path ?? '');
    } catch (error) {
      problems.push(`The TLS ${what} can't be read: ${error instanceof Error ? error.message : error}.`);
    }
  }
  return tls;
}

function readOrigins(written: readonly string[], problems: string[]): string[] {
  const origins = written.map((text) => text.trim().replace(/\/$/, '')).filter((text) => text !== '');
  for (const text of origins) {
    const isOrigin = /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text.toLowerCase();
    if (!isOrigin) {
      problems.push(`The trusted origin "${text}" is not of the form https://name or https://name:port.`);
    }
  }
  return origins.map((text) => text.toLowerCase());
}

function readOwner(email: string | null, password: string | null, problems: string[]): ServerSettings['owner'] {
  if (email !== null && password !== null) return { email, password };
  if (email !== null || password !== null) {
    problems.push('DAENA_OWNER_EMAIL and DAENA_OWNER_PASSWORD belong together; only one of them is set.');
  }
  return null;
}

function readOllama(text: string | null, problems: string[]): OllamaAddress {
  const host = parseOllamaHost(text ?? undefined);
  if (host.kind === 'unreadable') problems.push(host.message);
  const url = host.kind === 'set' ? host.url : DEFAULT_OLLAMA_URL;
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
  return { url, isLocal, isChosen: host.kind === 'set' };
}

function isYes(text: string | undefined): boolean {
  return text !== undefined && text !== '' && text !== '0' && text.toLowerCase() !== 'false';
}
