/**
 * Turns in SQLite: made by deriving entries, inside the projection's transaction; leased, renewed and interrupted by
 * the scheduler; ended by nothing but the reply entry that says so. Whatever the office decides to end carries its
 * `ending` from that moment on, so a decision survives a restart between it and its entry.
 */
import type { Database, Statement } from 'better-sqlite3';
import { z } from 'zod';
import type { Entry, ReplyEntry } from '../../sync-server/protocol/entry.ts';
import type { EventDraft } from '../../sync-server/protocol/events.ts';
import {
  isFinal,
  MAX_ATTEMPTS,
  MAX_OPEN_TURNS_PER_PERSON,
  nextTurnState,
  type TurnView,
} from '../../sync-server/protocol/turn.ts';
import { deriveTurns, type TurnDraft } from '../../sync-server/protocol/who-answers.ts';
import type { Derivation } from '../projection/committed-entries.ts';
import type { SessionFacts } from '../projection/session-record.ts';
import { type Ending, type HeldLease, readTurnRow, type TurnRecord, viewOf } from './turn-record.ts';

/** The projected entry of an id in a session, or null. */
export type EntryLookup = (sessionId: string, id: string) => Entry | null | undefined;

export interface LeaseRef {
  readonly turn: string;
  readonly attempt: number;
}

const countRow = z.object({ n: z.number() });

/** The end of a turn that was one too many: what was said is saved, and can be asked again. */
const TOO_MANY: Ending = {
  outcome: 'failed',
  error: {
    code: 'too_many',
    message: 'Too much that you asked for is waiting already. Ask again when some of it is answered.',
  },
};

const FINAL = `('done', 'stopped', 'failed')`;

export class TurnStore implements Derivation {
  readonly #database: Database;
  readonly #lookup: EntryLookup;
  readonly #now: () => number;
  readonly #statements = new Map<string, Statement>();

  /** @param database with the migrations applied; @param now in ms since the epoch */
  constructor(options: { database: Database; lookup: EntryLookup; now: () => number }) {
    this.#database = options.database;
    this.#lookup = options.lookup;
    this.#now = options.now;
  }

  // --- derivation ---

  entryProjected(entry: Entry, session: SessionFacts): readonly EventDraft[] {
    switch (entry.kind) {
      case 'message':
        this.#run('INSERT OR IGNORE INTO session_writers (session_id, person) VALUES (?, ?)', session.id, entry.author);
        return this.#derive(entry, session);
      case 'again':
      case 'debate':
        return this.#derive(entry, session);
      case 'reply':
        return this.#ended(entry);
      case 'stop':
        this.requestStop(entry, entry.author);
        return [];
      case 'retract':
        for (const turn of this.group(entry.target))
          this.requestEnd(turn.turn, { outcome: 'stopped', by: entry.author });
        return [];
      case 'synthesize':
        this.#endPhase(entry.debate, entry.author);
        return [];
      case 'binned':
        for (const turn of this.bySession(session.id)) this.requestEnd(turn.turn, { outcome: 'stopped', by: entry.by });
        return [];
      default:
        return [];
    }
  }

  #derive(entry: Entry, session: SessionFacts): readonly EventDraft[] {
    const writers = this.#count('SELECT COUNT(*) AS n FROM session_writers WHERE session_id = ?', session.id);
    const asked = { id: session.id, scope: session.scope, isBinned: session.isBinned, writers };
    const lookup = (id: string) => this.#lookup(session.id, id);
    const drafts = deriveTurns(entry, asked, lookup);
    if (drafts.length === 0) return [];
    // All of what one entry asks for, or nothing: notes without the answer that they are for help nobody.
    const isTooMany = this.#openCountOf(entry.author) + drafts.length > MAX_OPEN_TURNS_PER_PERSON;
    const ending = isTooMany ? TOO_MANY : null;
    return drafts.flatMap((draft) => this.#insert(draft, session.id, entry.author, ending)).map(turnEvent);
  }

  /** @param ending how the office ends it at once; null where it is to be worked on */
  #insert(draft: TurnDraft, sessionId: string, askedBy: string, ending: Ending | null): readonly TurnView[] {
    // A log that is newer than this database (a restored backup) may hold the reply already.
    if (this.#lookup(sessionId, draft.turn)) return [];
    const now = this.#now();
    const { changes } = this.#prepared(
      `INSERT OR IGNORE INTO turns (id, session_id, cause, agent, step, stage, group_id, asked_by, state, queued_at, since)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?)`,
    ).run(draft.turn, sessionId, draft.cause, draft.agent, draft.step, draft.stage, draft.group, askedBy, now, now);
    if (changes === 1 && ending) this.requestEnd(draft.turn, ending);
    const turn = changes === 1 ? this.get(draft.turn) : null;
    return turn ? [viewOf(turn, this.#count(`SELECT COUNT(*) AS n FROM turns WHERE state = 'queued'`), null)] : [];
  }

  /**
   * The reply entry is the truth: it ends the turn in whichever state that is, even where the lease ran out and the
   * turn was queued again while the entry was on its way here.
   */
  #ended(reply: ReplyEntry): readonly EventDraft[] {
    const turn = this.get(reply.id);
    if (!turn || isFinal(turn.state)) return [];
    // The row of this attempt went with its entry; one of a later attempt is still to be removed.
    this.#run(
      `UPDATE turns SET state = ?, since = ?, model = COALESCE(?, model), ended_by = ?, ending = NULL, lease_client_id = NULL,
         lease_expires_at = NULL, partial = '', has_row = CASE WHEN attempt = ? THEN 0 ELSE has_row END WHERE id = ?`,
      reply.outcome,
      this.#now(),
      reply.model ?? null,
      reply.by ?? null,
      reply.attempt,
      reply.id,
    );
    const ended = this.get(reply.id);
    return ended ? [turnEvent(viewOf(ended, null, null))] : [];
  }

  /** Ends a turn as its reply says, where the projection knew the reply before the turn. Answers the events of it. */
  applyReply(reply: ReplyEntry): readonly EventDraft[] {
    return this.#ended(reply);
  }

  #endPhase(debate: string, by: string): void {
    const turns = this.group(debate);
    const synthesis = turns.find((turn) => turn.step === 'synthesis');
    if (!synthesis) return;
    for (const turn of turns) if (turn.stage < synthesis.stage) this.requestEnd(turn.turn, { outcome: 'stopped', by });
  }

  // --- ending ---

  /**
   * Marks a turn to be stopped. It counts for a turn that is queued, or in the very attempt that is meant;
   * `final` and `stale` change nothing, and stopping again is `stopped` again.
   */
  requestStop(stop: LeaseRef, by: string): 'stopped' | 'final' | 'stale' | 'unknown' {
    const turn = this.get(stop.turn);
    if (!turn) return 'unknown';
    if (isFinal(turn.state)) return 'final';
    if (turn.state !== 'queued' && turn.attempt !== stop.attempt) return 'stale';
    this.requestEnd(turn.turn, { outcome: 'stopped', by });
    return 'stopped';
  }

  /** Marks a turn to be ended. The first decision stands; a final turn stays as it is. */
  requestEnd(turn: string, ending: Ending): void {
    this.#run(
      `UPDATE turns SET ending = ? WHERE id = ? AND ending IS NULL AND state NOT IN ${FINAL}`,
      JSON.stringify(ending),
      turn,
    );
  }

  // --- leasing ---

  /** Leases a queued turn under the next attempt number; null where it can't be leased any more. */
  lease(turn: string, lease: HeldLease): TurnRecord | null {
    const { changes } = this.#database
      .prepare(
        `UPDATE turns SET state = 'loading', since = ?, attempt = attempt + 1, document = ?, lease_client_id = ?,
           lease_expires_at = ?, has_row = 1, model = NULL WHERE id = ? AND state = 'queued' AND ending IS NULL AND has_row = 0`,
      )
      .run(this.#now(), lease.document, lease.clientId, lease.expiresAt, turn);
    return changes === 1 ? this.get(turn) : null;
  }

  /** Gives leases that are still held until `expiresAt`. */
  renew(leases: readonly LeaseRef[], expiresAt: number): void {
    const renew = this.#database.prepare(
      'UPDATE turns SET lease_expires_at = ? WHERE id = ? AND attempt = ? AND lease_client_id IS NOT NULL',
    );
    this.#database.transaction(() => {
      for (const { turn, attempt } of leases) renew.run(expiresAt, turn, attempt);
    })();
  }

  /** The phase that a lease's holder reports. Answers whether it changed anything. */
  progress(ref: LeaseRef, phase: 'reading' | 'writing', model: string): boolean {
    const turn = this.#held(ref);
    const state = turn ? nextTurnState(turn.state, phase) : null;
    if (!turn || state === null) return false;
    // The projection writes on a connection of its own, and may have ended the turn since it was read.
    const { changes } = this.#prepared(
      'UPDATE turns SET state = ?, since = ?, model = ? WHERE id = ? AND attempt = ? AND state = ?',
    ).run(state, this.#now(), model, ref.turn, ref.attempt, turn.state);
    return changes === 1;
  }

  /**
   * Ends a lease without an answer: the turn is queued again, its live row still to be removed. A counted attempt that
   * was the last one decides the turn's end as failed. Answers false where that lease is not held.
   */
  interrupt(
    ref: LeaseRef,
    why: { isCounted: boolean; retryAt: number; error: { code: string; message: string }; isFinal?: boolean },
  ): boolean {
    const turn = this.#held(ref);
    const state = turn ? nextTurnState(turn.state, 'interrupted') : null;
    if (!turn || state === null) return false;
    const failures = turn.failures + (why.isCounted ? 1 : 0);
    const write = this.#database.transaction(() => {
      // As in `progress`: what was read may be over.
      const { changes } = this.#prepared(
        `UPDATE turns SET state = ?, since = ?, failures = ?, retry_at = ?, lease_client_id = NULL,
           lease_expires_at = NULL WHERE id = ? AND attempt = ? AND state = ?`,
      ).run(state, this.#now(), failures, why.retryAt, ref.turn, ref.attempt, turn.state);
      if (changes === 0) return false;
      if (why.isFinal || failures >= MAX_ATTEMPTS) this.requestEnd(ref.turn, { outcome: 'failed', error: why.error });
      return true;
    });
    return write();
  }

  /** The live row of an attempt that is over is gone; its text is kept if it is the longest so far. */
  rowDropped(turn: string, text: string): void {
    this.#run(
      `UPDATE turns SET has_row = 0, partial = CASE WHEN length(?) > length(partial) THEN ? ELSE partial END
       WHERE id = ? AND lease_client_id IS NULL`,
      text,
      text,
      turn,
    );
  }

  /** Keeps a queued turn from being leased before `retryAt`, in ms. */
  postpone(turn: string, retryAt: number): void {
    this.#run(`UPDATE turns SET retry_at = ? WHERE id = ? AND state = 'queued'`, retryAt, turn);
  }

  // --- reading ---

  get(turn: string): TurnRecord | null {
    return this.#select('id = ?', turn)[0] ?? null;
  }

  /** Every turn of each group that has one which is not final, and final ones whose live row is still to be removed. */
  unsettled(): readonly TurnRecord[] {
    return this.#select(`group_id IN (SELECT group_id FROM turns WHERE state NOT IN ${FINAL}) OR has_row = 1`);
  }

  /** The turns under a lease, that run out first first. */
  leased(): readonly TurnRecord[] {
    return this.#select(`lease_client_id IS NOT NULL AND state NOT IN ${FINAL}`).toSorted(
      (a, b) => (a.lease?.expiresAt ?? 0) - (b.lease?.expiresAt ?? 0),
    );
  }

  /** A session's turns that are not final. */
  bySession(sessionId: string): readonly TurnRecord[] {
    return this.#select(`session_id = ? AND state NOT IN ${FINAL}`, sessionId);
  }

  /** What a person asked for that is not final. */
  openOf(person: string): readonly TurnRecord[] {
    return this.#select(`asked_by = ? AND state NOT IN ${FINAL}`, person);
  }

  /** How many turns are open that the person asked for who asked for the most. */
  mostOpenOfOnePerson(): number {
    return this.#count(
      `SELECT COALESCE(MAX(open), 0) AS n FROM (SELECT COUNT(*) AS open FROM turns WHERE state NOT IN ${FINAL} GROUP BY asked_by)`,
    );
  }

  #openCountOf(person: string): number {
    return this.#count(`SELECT COUNT(*) AS n FROM turns WHERE asked_by = ? AND state NOT IN ${FINAL}`, person);
  }

  /** All turns of a cause, final ones included. */
  group(group: string): readonly TurnRecord[] {
    return this.#select('group_id = ?', group);
  }

  #held(ref: LeaseRef): TurnRecord | null {
    const turn = this.get(ref.turn);
    return turn?.lease && turn.attempt === ref.attempt && !isFinal(turn.state) ? turn : null;
  }

  #select(where: string, ...parameters: readonly (string | number)[]): readonly TurnRecord[] {
    const rows = this.#prepared(`SELECT * FROM turns WHERE ${where} ORDER BY seq`).all(...parameters);
    return rows.map(readTurnRow);
  }

  #count(sql: string, ...parameters: readonly string[]): number {
    return countRow.parse(this.#prepared(sql).get(...parameters)).n;
  }

  #run(sql: string, ...parameters: readonly (string | number | null)[]): void {
    this.#prepared(sql).run(...parameters);
  }

  /** Preparing costs more than running, and every message comes this way. The texts are this file's own: few. */
  #prepared(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** The event that tells how a turn is now. */
export const turnEvent = (view: TurnView): EventDraft => ({
  type: 'turn.updated',
  entityType: 'turn',
  entityId: view.turn,
  sessionId: view.session_id,
  payload: view,
});
