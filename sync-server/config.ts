import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The server's settings, read once from its environment. */
export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly dataFolder: string;
  /** Both or none. PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly trustedOrigins: readonly string[];
  /** Creates the owner at the first start, for automation. */
  readonly owner: { readonly email: string; readonly password: string } | null;
  /** The built client; null: HTTP and sockets only. */
  readonly clientFolder: string | null;
  /** `power-cut`: a change is on the disk before anyone sees it. `process`: it survives the process, not the power. */
  readonly durability: 'power-cut' | 'process';
}

export type ConfigResult = { readonly config: ServerConfig } | { readonly problems: readonly string[] };

export const DEFAULT_PORT = 7433;
export const DEFAULT_HOST = '127.0.0.1';

/** Reads the environment. Answers the settings, or everything that is wrong with them. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ConfigResult {
  const problems: string[] = [];
  const given = (name: string): string | null => env[name]?.trim() || null;
  const port = readPort(given('DAENA_PORT'), problems);
  const dataFolder = given('DAENA_DATA');
  if (!dataFolder) problems.push('DAENA_DATA is not set: where should the data live?');
  const tls = readTls(given('DAENA_TLS_CERT'), given('DAENA_TLS_KEY'), problems);
  const trustedOrigins = readOrigins(given('DAENA_TRUSTED_ORIGINS'), problems);
  const email = given('DAENA_OWNER_EMAIL');
  const password = env.DAENA_OWNER_PASSWORD || null;
  if ((email === null) !== (password === null)) {
    problems.push('DAENA_OWNER_EMAIL and DAENA_OWNER_PASSWORD go together: one of them is missing');
  }
  const durability = given('DAENA_DURABILITY') ?? 'power-cut';
  if (durability !== 'power-cut' && durability !== 'process') {
    problems.push(`DAENA_DURABILITY is "${durability}"; it can be power-cut or process`);
  }
  const clientFolder = given('DAENA_CLIENT_DIST');
  if (problems.length > 0 || !dataFolder || (durability !== 'power-cut' && durability !== 'process'))
    return { problems };
  return {
    config: {
      host: given('DAENA_HOST') ?? DEFAULT_HOST,
      port,
      dataFolder: resolve(dataFolder),
      tls,
      trustedOrigins,
      owner: email && password ? { email, password } : null,
      clientFolder: clientFolder ? resolve(clientFolder) : null,
      durability,
    },
  };
}

function readPort(text: string | null, problems: string[]): number {
  if (text === null) return DEFAULT_PORT;
  const port = Number(text);
  // 0 asks the system for a free port: tests and embedders do.
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  problems.push(`DAENA_PORT is "${text}"; it is a number from 0 to 65535`);
  return DEFAULT_PORT;
}

function readTls(cert: string | null, key: string | null, problems: string[]): ServerConfig['tls'] {
  if (!cert && !key) return null;
  if (!cert || !key) {
    problems.push('a TLS certificate and its key go together: one of them is missing');
    return null;
  }
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      problems.push(`the TLS file ${path} cannot be read`);
      return '';
    }
  };
  return { cert: read(cert), key: read(key) };
}

function readOrigins(text: string | null, problems: string[]): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .flatMap((part) => {
      const origin = URL.parse(part)?.origin;
      if (origin && origin !== 'null') return [origin];
      problems.push(`the trusted origin "${part}" is no origin; one reads like https://office.example`);
      return [];
    });
}
