import { expect, test } from 'vitest';
import { openDatabase } from '../../../persistence/database.ts';
import { EventLog } from '../../../persistence/projection/event-log.ts';
import { Projection } from '../../../persistence/projection/projection.ts';
import { SessionStore } from '../../../persistence/projection/session-store.ts';
import { type LeaseRef, TurnStore } from '../../../persistence/turns/turn-store.ts';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import type { Entry } from '../../../sync-server/protocol/entry.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const SESSION = ulid(1);

/** The office's own connection, and beside it the one that projects. */
function openBoth() {
  const file = `${tempFolder()}/office.sqlite`;
  const people = (id: string): string => person(id).name;
  const [own, projecting] = [openDatabase(file), openDatabase(file)];
  const sessions = new SessionStore(projecting, people);
  const lookup = (session: string, id: string) => sessions.entry(session, id);
  const derivations = [new TurnStore({ database: projecting, lookup, now: () => 1 })];
  const events = new EventLog(projecting, (id) => sessions.get(id));
  const projection = new Projection({ database: projecting, events, derivations, people });
  const facts = { title: 'A', isPrivate: false, members: [], at: 1 };
  sessions.create({ id: SESSION, scope: { type: 'executive', id: null }, owner: 'ann', ...facts });
  const document = segmentName(SESSION, 1);
  const project = (entry: Entry) =>
    projection.project([
      { document, sessionId: SESSION, segment: 1, throughClock: 0, entries: [entry], committedAt: 1 },
    ]);
  let meanwhile: (() => void) | null = null;
  const now = (): number => {
    const run = meanwhile;
    meanwhile = null;
    run?.();
    return 2;
  };
  const turns = new TurnStore({ database: own, lookup, now });
  project(message('ann', 2));
  const [turn] = turns.bySession(SESSION);
  if (!turn) throw new Error('a message in an executive session asks for a turn');
  turns.lease(turn.turn, { document, clientId: 5, expiresAt: 60_000 });
  const { turn: id, cause, agent: author, step } = turn;
  const reply: Entry = { id, kind: 'reply', author, at: 3, cause, step, attempt: 1, outcome: 'done', body: 'answer' };
  return {
    turns,
    ref: { turn: id, attempt: 1 },
    /** The reply is projected between what the next call reads and what it writes. */
    replyMeanwhile: () => {
      meanwhile = () => void project(reply);
    },
    close: () => {
      own.close();
      projecting.close();
    },
  };
}

test('[TU2] a turn that is answered while its lease is being ended, or its phase noted, stays answered', () => {
  const late: readonly ((turns: TurnStore, ref: LeaseRef) => boolean)[] = [
    (turns, ref) =>
      turns.interrupt(ref, { isCounted: true, isFinal: true, retryAt: 0, error: { code: 'lost', message: 'Lost.' } }),
    (turns, ref) => turns.progress(ref, 'reading', 'm'),
  ];
  for (const write of late) {
    const { turns, ref, replyMeanwhile, close } = openBoth();
    replyMeanwhile();
    expect(write(turns, ref)).toBe(false);
    expect(turns.get(ref.turn)).toMatchObject({ state: 'done', lease: null, failures: 0, ending: null });
    close();
  }
});
