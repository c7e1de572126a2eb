// The office's start, once everything is installed: reads the settings, then runs until it is stopped.
import { join, resolve } from 'node:path';
import { buildClientIfStale, clientDist } from './launcher/client-build.ts';
import { dataFolderOf, readConfig } from './launcher/config.ts';
import { prepareDataFolder } from './launcher/data-folder.ts';
import { readFlags } from './launcher/flags.ts';
import { Office, type OfficeParts } from './launcher/office.ts';
import { describeOllama, ensureOllama, ollamaCommand } from './launcher/ollama.ts';
import { openBrowser } from './launcher/open-browser.ts';
import { readSettingsFile } from './launcher/settings-files.ts';
import { DEFAULT_BOUNDS } from './launcher/supervised-program.ts';

/** A Ctrl-C may arrive twice, from the terminal and through npm: only a later one is a second. */
const SAME_SIGNAL_MS = 1_000;

/** What a start can be given instead of the real programs. */
export type StartParts = Partial<
  Pick<OfficeParts, 'entries' | 'bounds' | 'buildClient' | 'seeToOllama' | 'openBrowser'>
>;

/** Runs the office and resolves with the exit code: 0 after a stop, 1 if it can't run. */
export async function startDaena(args: readonly string[], parts: StartParts = {}): Promise<number> {
  // Whoever read our output may be gone; the office goes on.
  process.stdout.on('error', () => undefined);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const root = resolve(import.meta.dirname, '..');
  const environment = process.env;

  const { flags, problems } = readFlags(args);
  const dataFolder = dataFolderOf(flags, environment, root);
  const unwritable = problems.length === 0 ? prepareDataFolder(dataFolder) : null;
  if (problems.length > 0 || unwritable !== null) return refuse([...problems, ...(unwritable ? [unwritable] : [])]);

  const server = readSettingsFile(dataFolder, 'server');
  const agents = readSettingsFile(dataFolder, 'agents');
  const files = { server: server.settings, agents: agents.settings };
  const reading = readConfig({ flags, environment, files, root });
  const wrong = [...server.problems, ...agents.problems, ...(reading.kind === 'wrong' ? reading.problems : [])];
  if (reading.kind === 'wrong' || wrong.length > 0) return refuse(wrong);

  const { config } = reading;
  const office = new Office({
    config,
    environment,
    root,
    entries: { server: join(root, 'sync-server', 'main.ts'), agents: join(root, 'agents', 'main.ts') },
    bounds: DEFAULT_BOUNDS,
    clientDist: clientDist(root),
    say,
    buildClient: (signal) => buildClientIfStale(root, signal, say),
    seeToOllama: async (signal) => {
      const command = await ollamaCommand();
      return describeOllama(await ensureOllama({ address: config.agents.ollama, environment, command, signal }));
    },
    openBrowser: (url) => openBrowser(url, environment),
    ...parts,
  });
  stopOnSignals(office, say);
  return office.run();
}

function stopOnSignals(office: Office, say: (line: string) => void): void {
  let firstAt: number | null = null;
  const onSignal = () => {
    if (firstAt === null) {
      firstAt = performance.now();
      say('Stopping ...');
      office.stop();
    } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
      office.force();
      process.exit(1);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}

function refuse(problems: readonly string[]): number {
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  return 1;
}

if (import.meta.main) process.exitCode = await startDaena(process.argv.slice(2));
