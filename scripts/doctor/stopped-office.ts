import { join } from 'node:path';
import { AccountStore } from '../../persistence/accounts/account-store.ts';
import { LOG } from '../../persistence/backup/manifest.ts';
import { openOfficeDatabase } from '../../persistence/backup/migrate-safely.ts';
import type { Database } from '../../persistence/database.ts';
import { openLevelUpdateLog } from '../../persistence/log/level-update-log.ts';
import type { UpdateLog } from '../../persistence/log/update-log.ts';
import type { CommittedEntries } from '../../persistence/projection/committed-entries.ts';
import { EventLog } from '../../persistence/projection/event-log.ts';
import { Projection } from '../../persistence/projection/projection.ts';
import { SessionStore } from '../../persistence/projection/session-store.ts';
import { TurnStore } from '../../persistence/turns/turn-store.ts';
import { catchUp } from '../../sync-server/catch-up.ts';
import { systemClock } from '../../sync-server/clock.ts';
import { createLogger } from '../../sync-server/logger.ts';
import { versionOfDaena } from '../version-of-daena.ts';

/** The stores of an office that does not run, wired as a start wires them. */
export interface StoppedOffice {
  readonly database: Database;
  readonly log: UpdateLog;
  readonly accounts: AccountStore;
  readonly sessions: SessionStore;
  readonly events: EventLog;
  readonly turns: TurnStore;
  readonly projection: Projection;
  close(): Promise<void>;
}

/** Opens them. Rejects with `conflict` or `storage` and a sentence where the office runs or its data cannot be opened. */
export async function openStoppedOffice(dataFolder: string): Promise<StoppedOffice> {
  const now = () => Date.now();
  // The log first: it opens in one process only, so nothing is touched beside an office that was started by hand.
  await (await openLevelUpdateLog(join(dataFolder, LOG))).close();
  const database = await openOfficeDatabase({ dataFolder, version: versionOfDaena(), now });
  let log: UpdateLog;
  try {
    log = await openLevelUpdateLog(join(dataFolder, LOG));
  } catch (error) {
    database.close();
    throw error;
  }
  const accounts = new AccountStore(database, now);
  const people = (id: string): string | null => accounts.nameOf(id);
  const sessions = new SessionStore(database, people);
  const events = new EventLog(database, (id) => sessions.get(id));
  const turns = new TurnStore({ database, lookup: (session, id) => sessions.entry(session, id), now });
  return {
    database,
    log,
    accounts,
    sessions,
    events,
    turns,
    projection: new Projection({ database, events, derivations: [turns], people }),
    close: async () => {
      database.close();
      await log.close();
    },
  };
}

/** Projects what the log holds and the database does not, as a start does. Rejects where a start would. */
export function catchUpWithLog({ log, projection }: StoppedOffice): Promise<void> {
  // What a damaged document does to it is told by whoever looks at the documents.
  const project = async (batch: readonly CommittedEntries[]) => projection.project(batch);
  return catchUp({ log, project, clock: systemClock, logger: createLogger(() => undefined) });
}
