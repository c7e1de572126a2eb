/** What the office reads from SQLite, on its own connection. */
import type { Accounts } from '../persistence/accounts/accounts.ts';
import type { Database } from '../persistence/database.ts';
import { EventLog } from '../persistence/projection/event-log.ts';
import { SessionStore } from '../persistence/projection/session-store.ts';
import { TurnStore } from '../persistence/turns/turn-store.ts';
import type { Clock } from './clock.ts';
import { Grants } from './grants.ts';

export interface ReadModel {
  readonly grants: Grants;
  readonly sessionStore: SessionStore;
  readonly events: EventLog;
  readonly turns: TurnStore;
}

export function openReadModel(database: Database, accounts: Accounts, clock: Clock): ReadModel {
  const people = (id: string): string | null => accounts.nameOf(id);
  const sessionStore = new SessionStore(database, people);
  const grants = new Grants((id) => sessionStore.get(id));
  const events = new EventLog(database, (id) => grants.of(id));
  const turns = new TurnStore({
    database,
    lookup: (session, id) => sessionStore.entry(session, id),
    now: () => clock.now(),
  });
  return { grants, sessionStore, events, turns };
}
