// What each program sees of the environment: the machine's own, and of our settings only its own.
import { join } from 'node:path';
import type { AgentsSettings, ServerSettings } from './config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The machine's environment without anybody's settings. */
function machineEnvironment(environment: Environment, root: string): NodeJS.ProcessEnv {
  const settings = /^(DAENA_|OLLAMA_)/;
  const rest = Object.fromEntries(Object.entries(environment).filter(([name]) => !settings.test(name)));
  return { ...rest, NODE_COMPILE_CACHE: join(root, '.cache', 'compiled') };
}

export function serverEnvironment(parts: {
  environment: Environment;
  root: string;
  dataFolder: string;
  clientDist: string;
  settings: ServerSettings;
  /** The port once it is known, so that a restart keeps one that was chosen freely. */
  port: number;
}): NodeJS.ProcessEnv {
  const { settings } = parts;
  return {
    ...machineEnvironment(parts.environment, parts.root),
    DAENA_PORT: String(parts.port),
    DAENA_HOST: settings.host,
    DAENA_DATA: parts.dataFolder,
    DAENA_CLIENT_DIST: parts.clientDist,
    ...(settings.trustedOrigins.length > 0 && { DAENA_TRUSTED_ORIGINS: settings.trustedOrigins.join(',') }),
    ...(settings.tls && { DAENA_TLS_CERT: settings.tls.cert, DAENA_TLS_KEY: settings.tls.key }),
    ...(settings.durability !== null && { DAENA_DURABILITY: settings.durability }),
    ...(settings.owner && {
      DAENA_OWNER_EMAIL: settings.owner.email,
      DAENA_OWNER_PASSWORD: settings.owner.password,
    }),
  };
}

export function agentsEnvironment(parts: {
  environment: Environment;
  root: string;
  dataFolder: string;
  settings: AgentsSettings;
  serverUrl: string;
}): NodeJS.ProcessEnv {
  const { settings } = parts;
  return {
    ...machineEnvironment(parts.environment, parts.root),
    DAENA_SERVER: parts.serverUrl,
    DAENA_WORKER_TOKEN_FILE: join(parts.dataFolder, 'worker.token'),
    ...(settings.ollamaHost !== null && { OLLAMA_HOST: settings.ollamaHost }),
    ...(settings.model !== null && { DAENA_MODEL: settings.model }),
    ...(settings.slots !== null && { DAENA_WORKER_SLOTS: settings.slots }),
  };
}
