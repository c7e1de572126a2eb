import { parseOllamaHost } from './model/ollama-host.ts';

/** A department's five notes go together; what an Ollama does not take at once waits in its own queue. */
const DEFAULT_SLOTS = 5;
/** The most that a worker may ask for on its link. */
const MAX_SLOTS = 64;

export interface WorkerConfig {
  /** Base URL of the server, `http:` or `https:`, without a trailing slash. */
  readonly server: string;
  readonly tokenFile: string;
  /** The base URL from OLLAMA_HOST; null where it is not set. */
  readonly ollamaHost: string | null;
  /** The model that the settings wish for; null: what is installed decides. */
  readonly model: string | null;
  /** Turns worked on at once. */
  readonly slots: number;
}

/** Reads the environment; answers the config, or one sentence for each setting that is wrong. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): WorkerConfig | { wrong: string[] } {
  const wrong: string[] = [];
  const server = serverUrl(env.DAENA_SERVER, wrong);
  const tokenFile = env.DAENA_WORKER_TOKEN_FILE?.trim() ?? '';
  if (tokenFile === '') wrong.push("DAENA_WORKER_TOKEN_FILE must name the file that holds the worker's token.");
  const host = parseOllamaHost(env.OLLAMA_HOST);
  if (host.kind === 'unreadable') wrong.push(host.message);
  const slots = slotsIn(env, wrong);
  if (wrong.length > 0) return { wrong };
  const ollamaHost = host.kind === 'set' ? host.url : null;
  return { server, tokenFile, ollamaHost, model: env.DAENA_MODEL?.trim() || null, slots };
}

function serverUrl(setting: string | undefined, wrong: string[]): string {
  const text = setting?.trim() ?? '';
  const isHttp = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  if (!isHttp) wrong.push(`DAENA_SERVER must be the server's http or https address, not "${text}".`);
  return text.replace(/\/+$/, '');
}

/** As set; else as many as this machine's Ollama says that it takes at once. */
function slotsIn(env: Readonly<Record<string, string | undefined>>, wrong: string[]): number {
  const name = env.DAENA_WORKER_SLOTS?.trim() ? 'DAENA_WORKER_SLOTS' : 'OLLAMA_NUM_PARALLEL';
  const text = env[name]?.trim() ?? '';
  // Ollama's own 0 means: as it sees fit.
  if (text === '' || (name === 'OLLAMA_NUM_PARALLEL' && text === '0')) return DEFAULT_SLOTS;
  const slots = Number(text);
  if (Number.isInteger(slots) && slots >= 1 && slots <= MAX_SLOTS) return slots;
  wrong.push(`${name} must be a whole number from 1 to ${MAX_SLOTS}, not "${text}".`);
  return DEFAULT_SLOTS;
}
