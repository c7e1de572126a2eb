// npm run doctor [-- --data <folder>] [--repair]: looks whether everything in a stopped office's data fits together and
// says so check by check. Exit code 0 only if all is well. It catches up with the log first, as a start does; with
// --repair it makes anew what can be made from the log.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DATABASE } from '../persistence/backup/manifest.ts';
import { catchUp } from '../sync-server/catch-up.ts';
import { systemClock } from '../sync-server/clock.ts';
import { createLogger } from '../sync-server/logger.ts';
import { examine } from './doctor/examine.ts';
import type { Findings } from './doctor/findings.ts';
import { rebuildProjection } from './doctor/rebuild-projection.ts';
import { openStoppedOffice, type StoppedOffice } from './doctor/stopped-office.ts';
import { dataFolderOf } from './launcher/config.ts';
import { heldSentence, whileStopped } from './launcher/while-stopped.ts';
import { runTool, toolFlags } from './office-data.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

await runTool(async () => {
  const args = process.argv.slice(2);
  const isRepairing = args.includes('--repair');
  const flags = toolFlags(args.filter((arg) => arg !== '--repair'));
  const dataFolder = dataFolderOf(flags, process.env, resolve(import.meta.dirname, '..'));
  if (!existsSync(join(dataFolder, DATABASE))) throw new Error(`There is no office in ${dataFolder}.`);
  const outcome = await whileStopped(dataFolder, 'npm run doctor', async (signal) => {
    const office = await openStoppedOffice(dataFolder);
    try {
      return await treat(office, isRepairing, signal);
    } finally {
      await office.close();
    }
  });
  if (outcome.kind !== 'done') throw new Error(heldSentence(outcome, dataFolder));
  return outcome.result.areNone ? 0 : 1;
});

async function treat(office: StoppedOffice, isRepairing: boolean, signal: AbortSignal): Promise<Findings> {
  const hindrance = await catchUp({
    log: office.log,
    projection: office.projection,
    clock: systemClock,
    // What a damaged document does to it is found again below, and told once.
    logger: createLogger(() => undefined),
  }).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const found = await examine(office, signal);
  if (hindrance !== null) found.add('log', `a start would fail: ${hindrance}`);
  for (const line of found.lines()) say(line);
  const isRebuildable = found.has('projection') || found.has('watermarks');
  if (!isRebuildable) return found;
  if (!isRepairing) {
    say('What the database lacks is in the log: npm run doctor -- --repair makes it anew.');
    return found;
  }
  if (found.has('log')) {
    say('Nothing was repaired: the log is damaged, and the database may hold what it has lost.');
    return found;
  }
  await rebuildProjection(office, signal);
  say('The projection was made anew from the log. After that:');
  const after = await examine(office, signal);
  for (const line of after.lines()) say(line);
  return after;
}
