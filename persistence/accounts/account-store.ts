import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import { makeUlid, ULID_RANDOM_BYTES } from '../../sync-server/protocol/ids.ts';
import { type Person, type Role, roleSchema } from '../../sync-server/protocol/principal.ts';
import type { Database } from '../database.ts';
import { AccountNames } from './account-names.ts';
import { hashToken, makeToken } from './link-tokens.ts';

/** Being seen is written down at most this often. */
const LAST_SEEN_STEP_MS = 60_000;

export interface Member {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly disabled: boolean;
  /** ISO 8601, as the next. */
  readonly createdAt: string;
  readonly lastSeenAt?: string;
}

export interface Link {
  readonly kind: 'owner' | 'invite' | 'reset';
  readonly personId?: string;
  readonly email?: string;
  readonly role?: Role;
}

export interface NewPerson {
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
  readonly role: Role;
}

export interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  /** The first characters of the key, to recognise it by. */
  readonly start: string;
  readonly createdAt: string;
  readonly lastUsedAt?: string;
}

const memberRow = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role: roleSchema,
  disabled: z.number(),
  createdAt: z.string(),
  lastSeenAt: z.string().nullable(),
});

const linkRow = z.object({
  kind: z.enum(['owner', 'invite', 'reset']),
  person_id: z.string().nullable(),
  email: z.string().nullable(),
  role: roleSchema.nullable(),
  expires_at: z.string().nullable(),
});

const keyRow = z.object({
  id: z.string(),
  name: z.string().nullable(),
  start: z.string().nullable(),
  createdAt: z.string(),
  lastRequest: z.string().nullable(),
});

const MEMBER_COLUMNS = 'id, name, email, role, disabled, createdAt, lastSeenAt';

/**
 * The rows of people, their keys and one-time links. Every method is one synchronous transaction, so two requests cannot
 * both use a link or both disable the last owner.
 */
export class AccountStore {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #names: AccountNames;

  constructor(database: Database, now: () => number) {
    this.#database = database;
    this.#now = now;
    this.#names = new AccountNames(database);
  }

  /** Runs several of the methods below as one transaction. */
  atomically<Result>(work: () => Result): Result {
    return this.#database.transaction(work).immediate();
  }

  hasOwner(): boolean {
    return this.#database.prepare(`select 1 from "user" where role = 'owner'`).get() !== undefined;
  }

  members(): readonly Member[] {
    const rows = this.#database.prepare(`select ${MEMBER_COLUMNS} from "user" order by createdAt, rowid`).all();
    return rows.map((row) => toMember(memberRow.parse(row)));
  }

  nameOf(personId: string): string | null {
    return this.#names.nameOf(personId);
  }

  /** Throws `unknown` for an unknown id. */
  member(personId: string): Member {
    const row = this.#database.prepare(`select ${MEMBER_COLUMNS} from "user" where id = ?`).get(personId);
    if (row === undefined) throw new OfficeError('unknown', 'There is no such person.');
    return toMember(memberRow.parse(row));
  }

  /** The person, null where unknown or disabled. Notes that they were seen. */
  seePerson(personId: string): Person | null {
    const row = this.#database.prepare(`select ${MEMBER_COLUMNS} from "user" where id = ?`).get(personId);
    if (row === undefined) return null;
    const { id, name, email, role, disabled, lastSeenAt } = toMember(memberRow.parse(row));
    if (disabled) return null;
    const now = this.#now();
    if (lastSeenAt === undefined || now - Date.parse(lastSeenAt) >= LAST_SEEN_STEP_MS) {
      this.#database.prepare(`update "user" set lastSeenAt = ? where id = ?`).run(iso(now), id);
    }
    return { kind: 'person', id, name, email, role };
  }

  /** Throws `conflict` where the address is taken. Answers the new id. */
  addPerson(person: NewPerson): string {
    const now = this.#now();
    const id = makeUlid(now, randomBytes(ULID_RANDOM_BYTES));
    if (this.#database.prepare(`select 1 from "user" where email = ?`).get(person.email) !== undefined) {
      throw new OfficeError('conflict', 'Somebody with this e-mail address is already a member.');
    }
    this.#database
      .prepare(
        `insert into "user" (id, name, email, emailVerified, createdAt, updatedAt, role, disabled)
         values (?, ?, ?, 1, ?, ?, ?, 0)`,
      )
      .run(id, person.name, person.email, iso(now), iso(now), person.role);
    this.#database
      .prepare(
        `insert into account (id, accountId, providerId, userId, password, createdAt, updatedAt)
         values (?, ?, 'credential', ?, ?, ?, ?)`,
      )
      .run(makeUlid(now, randomBytes(ULID_RANDOM_BYTES)), id, id, person.passwordHash, iso(now), iso(now));
    return id;
  }

  setPassword(personId: string, passwordHash: string): void {
    this.#database
      .prepare(`update account set password = ?, updatedAt = ? where userId = ? and providerId = 'credential'`)
      .run(passwordHash, iso(this.#now()), personId);
  }

  setDisabled(personId: string, disabled: boolean): void {
    this.#database
      .prepare(`update "user" set disabled = ?, updatedAt = ? where id = ?`)
      .run(disabled ? 1 : 0, iso(this.#now()), personId);
  }

  setRole(personId: string, role: Role): void {
    this.#database
      .prepare(`update "user" set role = ?, updatedAt = ? where id = ?`)
      .run(role, iso(this.#now()), personId);
  }

  /** Whether somebody else who is not disabled owns the office. */
  hasOwnerBeside(personId: string): boolean {
    const sql = `select 1 from "user" where role = 'owner' and disabled = 0 and id <> ?`;
    return this.#database.prepare(sql).get(personId) !== undefined;
  }

  /** Ends a person's browser sessions, all but one where a token is given. Answers how many. */
  endSessions(personId: string, exceptToken?: string): number {
    const sql = `delete from auth_session where userId = ? and token <> ?`;
    return this.#database.prepare(sql).run(personId, exceptToken ?? '').changes;
  }

  /** A new link; answers its token, which is stored nowhere. Replaces the owner link, and a person's earlier reset link. */
  addLink(link: Link, expiresAtMs: number | null): string {
    const token = makeToken();
    const expires = expiresAtMs === null ? null : iso(expiresAtMs);
    if (link.kind === 'owner') this.#database.prepare(`delete from account_link where kind = 'owner'`).run();
    if (link.kind === 'reset') this.deleteResetLinks(link.personId ?? '');
    this.#database.prepare(`delete from account_link where expires_at <= ?`).run(iso(this.#now()));
    this.#database
      .prepare(
        `insert into account_link (token_hash, kind, person_id, email, role, created_at, expires_at)
         values (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        hashToken(token),
        link.kind,
        link.personId ?? null,
        link.email ?? null,
        link.role ?? null,
        iso(this.#now()),
        expires,
      );
    return token;
  }

  deleteResetLinks(personId: string): void {
    this.#database.prepare(`delete from account_link where kind = 'reset' and person_id = ?`).run(personId);
  }

  /** The link of a token, still unused; undefined where it is unknown, expired, or opens something else. */
  findLink(kind: Link['kind'], token: string): Link | undefined {
    const sql = `select kind, person_id, email, role, expires_at from account_link where token_hash = ? and kind = ?`;
    const found = this.#database.prepare(sql).get(hashToken(token), kind);
    if (found === undefined) return undefined;
    const row = linkRow.parse(found);
    if (row.expires_at !== null && Date.parse(row.expires_at) <= this.#now()) return undefined;
    return {
      kind: row.kind,
      ...(row.person_id === null ? {} : { personId: row.person_id }),
      ...(row.email === null ? {} : { email: row.email }),
      ...(row.role === null ? {} : { role: row.role }),
    };
  }

  deleteLink(token: string): void {
    this.#database.prepare(`delete from account_link where token_hash = ?`).run(hashToken(token));
  }

  apiKeys(personId: string): readonly ApiKeyRow[] {
    const sql = `select id, name, start, createdAt, lastRequest from apikey where referenceId = ? order by createdAt, rowid`;
    return this.#database
      .prepare(sql)
      .all(personId)
      .map((found) => {
        const row = keyRow.parse(found);
        return {
          id: row.id,
          name: row.name ?? '',
          start: row.start ?? '',
          createdAt: row.createdAt,
          ...(row.lastRequest === null ? {} : { lastUsedAt: row.lastRequest }),
        };
      });
  }

  /** The person whose key has this hash, null where there is none. Notes the use. */
  personIdOfKey(keyHash: string): string | null {
    const now = this.#now();
    const found = this.#database
      .prepare(
        `select id, referenceId, lastRequest from apikey
         where "key" = ? and enabled = 1 and (expiresAt is null or expiresAt > ?)`,
      )
      .get(keyHash, iso(now));
    if (found === undefined) return null;
    const row = z.object({ id: z.string(), referenceId: z.string(), lastRequest: z.string().nullable() }).parse(found);
    if (row.lastRequest === null || now - Date.parse(row.lastRequest) >= LAST_SEEN_STEP_MS) {
      this.#database.prepare(`update apikey set lastRequest = ? where id = ?`).run(iso(now), row.id);
    }
    return row.referenceId;
  }

  /** Answers whether the person had such a key. */
  deleteApiKey(personId: string, keyId: string): boolean {
    const sql = `delete from apikey where referenceId = ? and id = ?`;
    return this.#database.prepare(sql).run(personId, keyId).changes > 0;
  }

  deleteApiKeys(personId: string): void {
    this.#database.prepare(`delete from apikey where referenceId = ?`).run(personId);
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

function toMember(row: z.infer<typeof memberRow>): Member {
  const { lastSeenAt, disabled, ...rest } = row;
  return { ...rest, disabled: disabled !== 0, ...(lastSeenAt === null ? {} : { lastSeenAt }) };
}
