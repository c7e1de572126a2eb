import { join } from 'node:path';
import { QUARANTINE, readQuarantine } from '../../persistence/quarantine/quarantine.ts';
import { examine } from './examine.ts';
import type { Findings } from './findings.ts';
import { endAnsweredTurns, removeAbandonedRows } from './mend-turns.ts';
import { rebuildProjection } from './rebuild-projection.ts';
import { catchUpWithLog, openStoppedOffice, type StoppedOffice } from './stopped-office.ts';

/** Changes in quarantine that are told one by one. */
const MAX_TOLD = 5;

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
    for (const line of await quarantineLines(treatment.dataFolder)) treatment.say(line);
    return await treat(office, treatment);
  } finally {
    await office.close();
  }
}

async function treat(office: StoppedOffice, { isRepairing, say, signal }: Treatment): Promise<boolean> {
  const found = await lookAgain(office, signal);
  for (const line of found.lines()) say(line);
  const isMendable = (['projection', 'watermarks', 'turns', 'rows'] as const).some((check) => found.has(check));
  if (found.has('log')) {
    if (isRepairing) say('Nothing was mended: the log is damaged, and the database may hold what it has lost.');
    say('Let everyone connect once: their devices bring what they still have. What is lost for good is given up by:');
    say('npm run doctor -- --accept-loss');
    return false;
  }
  if (!isMendable) return found.areNone;
  if (!isRepairing) {
    say('What the log can tell is mended by: npm run doctor -- --repair');
    return false;
  }
  if (found.has('projection') || found.has('watermarks')) await rebuildProjection(office, signal);
  if (found.has('turns')) endAnsweredTurns(office);
  if (found.has('rows')) await removeAbandonedRows(office);
  say('Mended from the log. After that:');
  const after = await lookAgain(office, signal);
  for (const line of after.lines()) say(line);
  return after.areNone;
}

async function lookAgain(office: StoppedOffice, signal: AbortSignal): Promise<Findings> {
  const hindrance = await catchUpWithLog(office).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const found = await examine(office, signal);
  if (hindrance !== null) found.add('log', `a start would fail: ${hindrance}`);
  return found;
}

/** What was set aside, newest first: nothing is wrong with the office over it, but somebody should know. */
async function quarantineLines(dataFolder: string): Promise<readonly string[]> {
  const kept = await readQuarantine(join(dataFolder, QUARANTINE));
  const told = kept.slice(-MAX_TOLD).reverse();
  return [
    ...told.map(
      ({ document, principal, at, reason, update }) =>
        `note  quarantine: ${new Date(at).toISOString()} ${document}, from ${principal}, ${update.byteLength} bytes: ${reason}`,
    ),
    ...(kept.length > told.length ? [`note  quarantine: and ${kept.length - told.length} older ones`] : []),
  ];
}
