const MAX_PORT = 65_535;

export type RehearsalConfig = {
  readonly port: number;
  readonly chunkDelayMs: number | undefined;
  readonly loadMs: number | undefined;
};

/** Reads the environment; answers the config, or a sentence for each setting that is wrong. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): RehearsalConfig | { wrong: string[] } {
  const wrong: string[] = [];
  const whole = (name: string, most: number): number | undefined => {
    const text = env[name];
    if (text === undefined || text === '') return undefined;
    const value = Number(text);
    if (Number.isInteger(value) && value >= 0 && value <= most) return value;
    wrong.push(`${name} must be a whole number from 0 to ${most}, not "${text}".`);
    return undefined;
  };
  const config = {
    port: whole('DAENA_REHEARSAL_PORT', MAX_PORT) ?? 0,
    chunkDelayMs: whole('DAENA_REHEARSAL_CHUNK_MS', 60_000),
    loadMs: whole('DAENA_REHEARSAL_LOAD_MS', 60_000),
  };
  return wrong.length > 0 ? { wrong } : config;
}
