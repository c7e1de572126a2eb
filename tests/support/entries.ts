import type { PersonEntry } from '../../sync-server/protocol/entry.ts';
import { makeUlid, ULID_RANDOM_BYTES, type Ulid } from '../../sync-server/protocol/ids.ts';
import type { Person, Role } from '../../sync-server/protocol/principal.ts';

/** The n-th id: the same for the same number, ascending. */
export const ulid = (n: number): Ulid => makeUlid(n, new Uint8Array(ULID_RANDOM_BYTES));

export const person = (id: string, role: Role = 'member'): Person => ({
  kind: 'person',
  id,
  name: id,
  email: `${id}@office.test`,
  role,
});

type Message = Extract<PersonEntry, { kind: 'message' }>;

/** A message of the n-th id. */
export const message = (author: string, n: number, fields: Partial<Message> = {}): Message => ({
  id: ulid(n),
  kind: 'message',
  author,
  at: 1_000 + n,
  body: `message ${n}`,
  mentions: [],
  ...fields,
});

/** The same, written at this moment: it is not late when it comes. */
export const messageNow = (author: string, n: number, fields: Partial<Message> = {}): Message =>
  message(author, n, { at: Date.now() + n, ...fields });
