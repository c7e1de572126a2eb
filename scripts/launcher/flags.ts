// The command line of npm start and npm run stop.
import { parseArgs } from 'node:util';

export type Flags = Readonly<{
  port: string | null;
  host: string | null;
  data: string | null;
  tlsCert: string | null;
  tlsKey: string | null;
  trustedOrigins: readonly string[];
  noOpen: boolean;
}>;

export type FlagsReading = Readonly<{ flags: Flags; problems: readonly string[] }>;

const VALUE_FLAGS = ['port', 'host', 'data', 'tls-cert', 'tls-key', 'trusted-origin'] as const;
type ValueFlag = (typeof VALUE_FLAGS)[number];

/** Every flag with its dashes, as `--help` lists them. */
export const FLAG_NAMES: readonly string[] = [...VALUE_FLAGS, 'no-open', 'help'].map((name) => `--${name}`);

/** Reads the command line and collects everything that is wrong with it, one sentence each. */
export function readFlags(args: readonly string[]): FlagsReading {
  const values = new Map<ValueFlag, string[]>();
  const problems: string[] = [];
  let noOpen = false;
  for (const token of tokensOf(args)) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      problems.push(`"${token.value}" is not understood; npm start -- --help lists the options.`);
      continue;
    }
    const flag = VALUE_FLAGS.find((name) => name === token.name);
    if (token.name === 'no-open') {
      noOpen = true;
    } else if (flag === undefined) {
      problems.push(`${token.rawName} is no option; npm start -- --help lists them.`);
    } else if (token.value === undefined || token.value === '' || isFlagName(token.value)) {
      problems.push(`${token.rawName} needs a value.`);
    } else {
      values.set(flag, [...(values.get(flag) ?? []), token.value]);
    }
  }
  const last = (name: ValueFlag) => values.get(name)?.at(-1) ?? null;
  const flags = {
    port: last('port'),
    host: last('host'),
    data: last('data'),
    tlsCert: last('tls-cert'),
    tlsKey: last('tls-key'),
    trustedOrigins: values.get('trusted-origin') ?? [],
    noOpen,
  };
  return { flags, problems };
}

function tokensOf(args: readonly string[]) {
  const value = { type: 'string' } as const;
  return parseArgs({
    args: [...args],
    options: { ...Object.fromEntries(VALUE_FLAGS.map((name) => [name, value])), 'no-open': { type: 'boolean' } },
    strict: false,
    tokens: true,
  }).tokens;
}

function isFlagName(text: string): boolean {
  return FLAG_NAMES.includes(text);
}
