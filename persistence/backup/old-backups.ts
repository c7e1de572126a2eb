import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readManifest } from './manifest.ts';

/** How many backups of an office are kept where nothing else is said. */
export const DEFAULT_KEEP = 14;
/** What the name of a backup ends with until it is whole. */
export const UNFINISHED = '.unfinished';
/** An unfinished backup that is older was left by a process that died, in ms: none takes that long. */
const ABANDONED_MS = 24 * 60 * 60_000;
const NAME = /^daena-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-(\d{3})(\.unfinished)?$/;

/** The name of a backup made at this moment (UTC); names sort by time. */
export function backupName(nowMs: number): string {
  const [date, time, rest] = new Date(nowMs).toISOString().split(/[T.]/);
  return `daena-${date?.replaceAll('-', '')}-${time?.replaceAll(':', '')}-${rest?.slice(0, 3)}`;
}

/**
 * Removes the backups of one office but the newest `keep`, and what processes that died left of unfinished ones. Only
 * what bears a backup's name and this office's epoch is touched: other offices may keep theirs in the same folder.
 */
export async function removeOldBackups(parts: {
  readonly into: string;
  readonly epoch: string;
  readonly keep: number;
  readonly nowMs: number;
}): Promise<void> {
  const { into, epoch, keep, nowMs } = parts;
  const whole: string[] = [];
  for (const name of (await readdir(into)).sort()) {
    const madeAt = timeOf(name);
    if (madeAt === null) continue;
    const folder = join(into, name);
    if (name.endsWith(UNFINISHED)) {
      if (nowMs - madeAt > ABANDONED_MS) await rm(folder, { recursive: true, force: true });
    } else if ((await readManifest(folder))?.epoch === epoch) {
      whole.push(folder);
    }
  }
  for (const folder of whole.slice(0, Math.max(0, whole.length - keep))) {
    // Under this name first: whatever interrupts the removal, half a backup never looks whole.
    await rename(folder, `${folder}${UNFINISHED}`);
    await rm(`${folder}${UNFINISHED}`, { recursive: true, force: true });
  }
}

/** When a backup of this name was begun, in ms; null where it is no such name. */
function timeOf(name: string): number | null {
  const match = NAME.exec(name);
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour, minute, second, ms] = match.slice(1, 8).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second, ms);
}
