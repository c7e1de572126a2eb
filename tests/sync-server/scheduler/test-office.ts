import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { SessionRecord } from '../../../persistence/projection/session-record.ts';
import { TurnStore } from '../../../persistence/turns/turn-store.ts';
import { LeaseRegistry } from '../../../sync-server/leases.ts';
import type { Entry, Mention, ReplyEntry } from '../../../sync-server/protocol/entry.ts';
import type { EventDraft } from '../../../sync-server/protocol/events.ts';
import { isEntryId, isUlid, makeUlid, type SessionId, ULID_RANDOM_BYTES } from '../../../sync-server/protocol/ids.ts';
import type { Scope } from '../../../sync-server/protocol/scope.ts';
import { type LiveRow, rowIdOf } from '../../../sync-server/protocol/segment.ts';
import type { TurnView } from '../../../sync-server/protocol/turn.ts';
import type { Lease, ServerMessage } from '../../../sync-server/protocol/worker-link.ts';
import { Scheduler } from '../../../sync-server/scheduler/scheduler.ts';
import type { AttachedWorker, SchedulerRooms } from '../../../sync-server/scheduler/scheduler-ports.ts';
import { flush, ManualClock } from './manual-clock.ts';

const MIGRATION = new URL('../../../persistence/migrations/0003-turns.sql', import.meta.url);

/** A ULID that is the same in every run: the `n`-th. */
export function nthUlid(n: number): SessionId {
  const random = new Uint8Array(ULID_RANDOM_BYTES);
  new DataView(random.buffer).setUint32(0, n);
  return makeUlid(n, random);
}

/** SQLite with the turns' tables in a folder of its own. */
export function openTurnsDatabase(): {
  database: Database.Database;
  reopen: () => Database.Database;
  close: () => void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'daena-turns-'));
  const path = join(folder, 'office.db');
  const open = () => {
    const database = new Database(path);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = OFF');
    return database;
  };
  let database = open();
  database.exec(readFileSync(MIGRATION, 'utf8'));
  return {
    database,
    reopen: () => {
      database.close();
      database = open();
      return database;
    },
    close: () => {
      database.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A worker at the other end of a fake socket. */
export class TestWorker {
  readonly jobs: Lease[] = [];
  readonly aborted: string[] = [];
  isOpen = true;
  readonly #office: TestOffice;
  readonly #attached: AttachedWorker;
  readonly slots: number;

  constructor(office: TestOffice, slots: number) {
    this.#office = office;
    this.slots = slots;
    this.#attached = office.scheduler.attachWorker({
      send: (message: ServerMessage) => {
        if (message.type === 'job') this.jobs.push(message.lease);
        else this.aborted.push(rowIdOf(message.turn, message.attempt));
      },
      close: () => undefined,
    });
    this.#attached.receive({ type: 'hello', slots, protocol: 1 });
  }

  /** Jobs whose lease lives. */
  live(): readonly Lease[] {
    return this.jobs.filter((job) => this.#office.leases.byTurn(job.turn, job.attempt));
  }

  /** The newest job; fails where there is none. */
  job(agent?: string): Lease {
    const job = this.live().findLast((lease) => agent === undefined || lease.agent === agent);
    if (!job) throw new Error(`no job for ${agent ?? 'anybody'}`);
    return job;
  }

  heartbeat(leases: readonly { turn: string; attempt: number }[] = this.live()): void {
    this.#attached.receive({
      type: 'heartbeat',
      leases: leases.map(({ turn, attempt }) => ({ turn, attempt })),
    });
  }

  phase({ turn, attempt }: Lease, phase: 'reading' | 'writing'): void {
    this.#attached.receive({ type: 'phase', turn, attempt, phase, model: 'test-model' });
  }

  failed({ turn, attempt }: Lease, isFinal: boolean): void {
    this.#attached.receive({ type: 'failed', turn, attempt, isFinal, code: 'model', message: 'the model fell over' });
  }

  released({ turn, attempt }: Lease): void {
    this.#attached.receive({ type: 'released', turn, attempt, reason: 'Ollama does not answer' });
  }

  brain(isAvailable: boolean): void {
    const status = {
      connected: true,
      ollama_available: isAvailable,
      llm_available: isAvailable,
      provider: 'ollama',
      models: [],
      active_model: isAvailable ? 'test-model' : null,
    } as const;
    this.#attached.receive({ type: 'brain', status: { ...status, models: [] } });
  }

  /** Writes text into its live row, as far as the gate lets it. */
  write(job: Lease, text: string): boolean {
    if (!this.#office.leases.byTurn(job.turn, job.attempt)) return false;
    const { turn, attempt, agent, cause, step, rowId } = job;
    const base = { rowId, turn, attempt, agent, cause, step, at: 1, model: 'test-model', isRehearsed: false };
    this.#office.rows.set(rowId, { ...base, text, thinking: '' });
    return true;
  }

  /** Ends with an answer, as far as the gate lets it. */
  reply(job: Lease, body: string, options: { isProjected?: boolean } = {}): boolean {
    if (!this.#office.leases.byTurn(job.turn, job.attempt) || this.#office.log.has(job.turn)) return false;
    if (!isEntryId(job.turn) || !isEntryId(job.cause)) throw new Error('not an id');
    const { turn: id, agent: author, cause, step, attempt } = job;
    const at = this.#office.nextAt();
    const reply: ReplyEntry = { id, author, at, kind: 'reply', cause, step, attempt, outcome: 'done', body };
    this.#office.leases.end(job.turn, job.attempt);
    this.#office.rows.delete(job.rowId);
    this.#office.commit(job.sessionId, reply);
    if (options.isProjected !== false) this.#office.project();
    return true;
  }

  close(): void {
    this.isOpen = false;
    this.#attached.closed();
  }
}

/** The scheduler with a real SQLite, and documents, projection, sockets and time played by the test. */
export class TestOffice {
  readonly clock = new ManualClock();
  readonly #sqlite = openTurnsDatabase();
  /** What the update log holds: entries by id, with their session. */
  readonly log = new Map<string, { sessionId: string; entry: Entry }>();
  readonly rows = new Map<string, LiveRow>();
  readonly sessions = new Map<string, SessionRecord>();
  readonly projected = new Set<string>();
  readonly events: EventDraft[] = [];
  readonly logged: string[] = [];
  leases = new LeaseRegistry();
  turns: TurnStore;
  scheduler: Scheduler;
  /** Rooms refuse everything. */
  isRefusing = false;
  #pending: string[] = [];
  #ids = 1_000;
  #at = 1_000;
  #clientId = 1;

  constructor() {
    this.turns = this.#makeTurns(this.#sqlite.database);
    this.scheduler = this.#makeScheduler();
    this.scheduler.run();
  }

  #makeTurns(database: Database.Database): TurnStore {
    return new TurnStore({
      database,
      lookup: (_session, id) => (this.projected.has(id) ? this.log.get(id)?.entry : null),
      now: () => this.clock.now(),
    });
  }

  #makeScheduler(): Scheduler {
    return new Scheduler({
      turns: this.turns,
      sessions: {
        get: (id) => this.sessions.get(id),
        entries: (id) => this.entries(id),
        entry: (_session, id) => (this.projected.has(id) ? this.log.get(id)?.entry : null),
      },
      leases: this.leases,
      rooms: this.#rooms(),
      nameOf: (person) => `Person ${person}`,
      publish: (drafts) => this.events.push(...drafts),
      clock: this.clock,
      log: (sentence) => this.logged.push(sentence),
    });
  }

  #rooms(): SchedulerRooms {
    // Bound to this life of the server: what a killed one still had in its hands comes to nothing.
    const isAlive = (
      (leases) => () =>
        this.leases === leases
    )(this.leases);
    const enter = async () => {
      await Promise.resolve();
      if (this.isRefusing || !isAlive()) throw new Error('the room refuses');
    };
    return {
      prepare: async (sessionId) => {
        await enter();
        return { document: `session/${sessionId}/1`, clientId: this.#clientId++, newestAt: this.#at };
      },
      finish: async ({ sessionId }, rowId, makeReply) => {
        await enter();
        const reply = makeReply(this.rows.get(rowId) ?? null, this.nextAt());
        if (this.log.has(reply.id)) return 'exists';
        this.rows.delete(rowId);
        this.commit(sessionId, reply);
        this.project();
        return 'written';
      },
      dropRow: async (_document, rowId) => {
        await enter();
        const text = this.rows.get(rowId)?.text ?? '';
        this.rows.delete(rowId);
        return text;
      },
    };
  }

  nextAt(): number {
    return ++this.#at;
  }

  entries(sessionId: string): Entry[] {
    const entries = [...this.log.values()].filter((item) => item.sessionId === sessionId).map(({ entry }) => entry);
    return entries.filter(({ id }) => this.projected.has(id));
  }

  session(scope: Scope, title = 'A session'): string {
    const id = nthUlid(this.#ids++);
    this.sessions.set(id, {
      id,
      scope,
      title,
      owner: 'ann',
      isPrivate: false,
      members: [],
      isBinned: false,
      createdAt: 0,
      updatedAt: 0,
      messageCount: 0,
      liveSegment: 1,
    });
    return id;
  }

  /** The log holds it; it is not projected yet. */
  commit(sessionId: string, entry: Entry): void {
    if (this.log.has(entry.id)) throw new Error(`a second entry ${entry.id}`);
    this.log.set(entry.id, { sessionId, entry });
    this.#pending.push(entry.id);
  }

  /** Projects what the log holds. */
  project(): void {
    const told: TurnView[] = [];
    for (const id of this.#pending.splice(0)) {
      const item = this.log.get(id);
      const session = item && this.sessions.get(item.sessionId);
      if (!item || !session) throw new Error('an entry of no session');
      this.projected.add(id);
      const drafts = this.turns.entryProjected(item.entry, session);
      this.events.push(...drafts);
      told.push(...drafts.flatMap((draft) => (draft.type === 'turn.updated' ? [draft.payload] : [])));
    }
    this.scheduler.onProjected(told);
  }

  common(author: string) {
    const id = nthUlid(this.#ids++);
    if (!isUlid(id)) throw new Error('not an id');
    return { id, author, at: this.nextAt() };
  }

  async enter(sessionId: string, entry: Entry): Promise<string> {
    this.commit(sessionId, entry);
    this.project();
    await flush();
    return entry.id;
  }

  async say(sessionId: string, author: string, body: string, mentions: Mention[] = []): Promise<string> {
    return this.enter(sessionId, { ...this.common(author), kind: 'message', body, mentions });
  }

  async worker(slots = 1): Promise<TestWorker> {
    const worker = new TestWorker(this, slots);
    await flush();
    return worker;
  }

  /** Kills the server and starts it anew: memory is lost, SQLite and the log are not. Sockets are gone. */
  async restart(): Promise<void> {
    this.scheduler.stop();
    this.clock.forget();
    this.leases = new LeaseRegistry();
    this.turns = this.#makeTurns(this.#sqlite.reopen());
    this.scheduler = this.#makeScheduler();
    this.project();
    this.scheduler.run();
    await flush();
  }

  replies(): ReplyEntry[] {
    return [...this.log.values()].flatMap(({ entry }) => (entry.kind === 'reply' ? [entry] : []));
  }

  /** The newest told view of each turn. */
  toldViews(): ReadonlyMap<string, TurnView> {
    const views = new Map<string, TurnView>();
    for (const event of this.events) if (event.type === 'turn.updated') views.set(event.entityId, event.payload);
    return views;
  }

  close(): void {
    this.scheduler.stop();
    this.#sqlite.close();
  }
}
