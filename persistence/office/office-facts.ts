import { randomUUID } from 'node:crypto';
import type { Database } from '../database.ts';

/** The store's epoch: made at the first start, and anew after a restore, so that peers notice that time went back. */
export function readOrCreateEpoch(database: Database): string {
  database.prepare("INSERT OR IGNORE INTO office_facts (key, value) VALUES ('epoch', ?)").run(randomUUID());
  const row = database.prepare<[], { value: string }>("SELECT value FROM office_facts WHERE key = 'epoch'").get();
  if (!row) throw new Error('the epoch was just written and is not there');
  return row.value;
}

/** The epoch to tell this store's backups by; every store of a format that is older than epochs has the same. */
export function epochForBackups(database: Database): string {
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'office_facts'").get();
  return table ? readOrCreateEpoch(database) : 'before epochs';
}

/** Gives the store a new epoch, after a restore. */
export function renewEpoch(database: Database): void {
  database
    .prepare("INSERT INTO office_facts (key, value) VALUES ('epoch', @epoch) ON CONFLICT DO UPDATE SET value = @epoch")
    .run({ epoch: randomUUID() });
}
