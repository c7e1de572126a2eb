import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openDatabase } from '../../../persistence/database.ts';
import type { CommittedEntries, Derivation } from '../../../persistence/projection/committed-entries.ts';
import { EventLog } from '../../../persistence/projection/event-log.ts';
import { Projection } from '../../../persistence/projection/projection.ts';
import { SessionStore } from '../../../persistence/projection/session-store.ts';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import { type Entry, OFFICE_AUTHOR } from '../../../sync-server/protocol/entry.ts';
import {
  deriveId,
  type EntryId,
  makeUlid,
  type SessionId,
  ULID_RANDOM_BYTES,
} from '../../../sync-server/protocol/ids.ts';
import type { Person, Role } from '../../../sync-server/protocol/principal.ts';
import type { Scope } from '../../../sync-server/protocol/scope.ts';

export const NOON = Date.UTC(2026, 4, 4, 12);

/** A ULID that is the same in every run; `number` up to 2^32. */
export function ulid(number: number): SessionId {
  const random = new Uint8Array(ULID_RANDOM_BYTES);
  new DataView(random.buffer).setUint32(ULID_RANDOM_BYTES - 4, number);
  return makeUlid(NOON, random);
}

export const replyId = (name: string): EntryId => deriveId('reply', name);

export const person = (id: string, role: Role = 'member'): Person => ({
  kind: 'person',
  id,
  name: id.toUpperCase(),
  email: `${id}@office.test`,
  role,
});

/** The read model on a real file, with what a server builds around it. */
export interface OfficeOnDisk {
  readonly file: string;
  readonly database: Database;
  readonly events: EventLog;
  readonly sessions: SessionStore;
  readonly projection: Projection;
}

export function openOffice(
  file: string,
  options: { readonly derivations?: readonly Derivation[]; readonly maxKept?: number } = {},
): OfficeOnDisk {
  const database = openDatabase(file);
  const people = (id: string): string | null => (id.startsWith('gone') ? null : id.toUpperCase());
  const sessions = new SessionStore(database, people);
  const events = new EventLog(database, (id) => sessions.get(id), {
    ...(options.maxKept !== undefined && { maxKept: options.maxKept }),
  });
  const projection = new Projection({ database, events, people, derivations: options.derivations ?? [] });
  return { file, database, events, sessions, projection };
}

/** Runs with a folder of its own, which is removed afterwards. */
export function inFolder<Result>(run: (databaseFile: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'daena-projection-'));
  try {
    return run(join(folder, 'office.sqlite'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function withOffice(
  run: (office: OfficeOnDisk) => void,
  options: { readonly derivations?: readonly Derivation[]; readonly maxKept?: number } = {},
): void {
  inFolder((file) => {
    const office = openOffice(file, options);
    try {
      run(office);
    } finally {
      office.database.close();
    }
  });
}

export const FINANCE: Scope = { type: 'department', id: 'finance' };

export function startSession(
  office: OfficeOnDisk,
  id: SessionId,
  options: Partial<{
    scope: Scope;
    owner: string;
    title: string;
    isPrivate: boolean;
    members: string[];
    at: number;
  }> = {},
): void {
  const session = {
    id,
    scope: FINANCE,
    owner: 'ann',
    title: 'Budget',
    isPrivate: false,
    members: [],
    at: NOON,
    ...options,
  };
  office.sessions.create(session);
  project(office, id, [
    {
      id: deriveId('created', id),
      author: OFFICE_AUTHOR,
      at: session.at,
      kind: 'created',
      scope: session.scope,
      owner: session.owner,
      title: session.title,
      isPrivate: session.isPrivate,
    },
  ]);
}

export function committed(
  sessionId: SessionId,
  entries: readonly Entry[],
  options: { readonly throughClock?: number; readonly segment?: number } = {},
): CommittedEntries {
  const { throughClock = 0, segment = 1 } = options;
  return { document: segmentName(sessionId, segment), sessionId, segment, throughClock, entries, committedAt: NOON };
}

export function project(office: OfficeOnDisk, sessionId: SessionId, entries: readonly Entry[]) {
  return office.projection.project([committed(sessionId, entries)]);
}

type Of<Kind extends Entry['kind']> = Extract<Entry, { kind: Kind }>;

export const message = (number: number, body: string, over: Partial<Of<'message'>> = {}): Of<'message'> => ({
  id: ulid(number),
  author: 'ann',
  at: NOON + number,
  kind: 'message',
  body,
  mentions: [],
  ...over,
});

export const reply = (name: string, cause: EntryId, at: number, over: Partial<Of<'reply'>> = {}): Of<'reply'> => ({
  id: replyId(name),
  author: 'finance/synth',
  at: NOON + at,
  kind: 'reply',
  cause,
  step: 'answer',
  attempt: 1,
  outcome: 'done',
  body: `answer ${name}`,
  ...over,
});

const about = (number: number, target: EntryId, author: string) => ({
  id: ulid(number),
  author,
  at: NOON + number,
  target,
});

export const edit = (number: number, target: EntryId, body: string, author = 'ann'): Of<'edit'> => ({
  ...about(number, target, author),
  kind: 'edit',
  body,
  mentions: [],
});

export const retract = (number: number, target: EntryId, author = 'ann'): Of<'retract'> => ({
  ...about(number, target, author),
  kind: 'retract',
});

export const again = (number: number, target: EntryId, author = 'ann'): Of<'again'> => ({
  ...about(number, target, author),
  kind: 'again',
});

/** Every row that a rebuild must bring back, without the numbers that only tie tables together. */
export function derivedRows(database: Database): unknown {
  return {
    sessions: database.prepare('SELECT * FROM chat_sessions ORDER BY id').all(),
    entries: database.prepare('SELECT * FROM chat_entries ORDER BY session_id, entry_id').all(),
    messages: database.prepare('SELECT *, NULL AS number FROM chat_messages ORDER BY session_id, message_id').all(),
    search: database
      .prepare(
        `SELECT m.session_id, m.message_id, t.content FROM message_search t JOIN chat_messages m ON m.number = t.rowid
         ORDER BY m.session_id, m.message_id`,
      )
      .all(),
    watermarks: database.prepare('SELECT * FROM watermarks ORDER BY document').all(),
  };
}
