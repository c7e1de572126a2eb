import type { Accounts } from '../../persistence/accounts/accounts.ts';
import type { CouncilStore } from '../../persistence/councils/council-store.ts';
import type { EventLog } from '../../persistence/projection/event-log.ts';
import type { SessionStore } from '../../persistence/projection/session-store.ts';
import type { Clock } from '../clock.ts';
import type { Councils } from '../councils.ts';
import type { OfficeHealth } from '../office-health.ts';
import type { EventDraft } from '../protocol/events.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { Sessions } from '../sessions.ts';

/** The parts of the office that the HTTP routes speak to. */
export interface OfficeContext {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly sessionStore: SessionStore;
  readonly events: EventLog;
  readonly councils: Councils;
  readonly councilStore: CouncilStore;
  readonly scheduler: Scheduler;
  readonly health: OfficeHealth;
  readonly clock: Clock;
  /** Where people reach this office; links are made of it. */
  readonly baseUrl: () => string;
  /** Resolves when all that is durable now can be read from the stores. Rejects with `storage` where they are behind. */
  caughtUp(): Promise<void>;
  /** Logs events and sends them to those who may see them. */
  publish(drafts: readonly EventDraft[]): void;
}
