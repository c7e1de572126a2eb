import { catchUp } from '../../sync-server/catch-up.ts';
import { systemClock } from '../../sync-server/clock.ts';
import { createLogger } from '../../sync-server/logger.ts';
import { examine } from './examine.ts';
import { rebuildProjection } from './rebuild-projection.ts';
import { openStoppedOffice, type StoppedOffice } from './stopped-office.ts';

export interface Treatment {
  readonly dataFolder: string;
  readonly isRepairing: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Catches up with the log as a start does, looks at everything, says it check by check, and repairs if it may. Answers
 * whether all is well afterwards. Rejects where the data cannot be opened.
 */
export async function treatOffice(treatment: Treatment): Promise<boolean> {
  const office = await openStoppedOffice(treatment.dataFolder);
  try {
    return await treat(office, treatment);
  } finally {
    await office.close();
  }
}

async function treat(office: StoppedOffice, { isRepairing, say, signal }: Treatment): Promise<boolean> {
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
  if (!isRebuildable) return found.areNone;
  if (!isRepairing) {
    say('What the database lacks is in the log: npm run doctor -- --repair makes it anew.');
    return found.areNone;
  }
  if (found.has('log')) {
    say('Nothing was repaired: the log is damaged, and the database may hold what it has lost.');
    return found.areNone;
  }
  await rebuildProjection(office, signal);
  say('The projection was made anew from the log. After that:');
  const after = await examine(office, signal);
  for (const line of after.lines()) say(line);
  return after.areNone;
}
