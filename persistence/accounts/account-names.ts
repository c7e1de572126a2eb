import type { Statement } from 'better-sqlite3';
import type { Database } from '../database.ts';

/** What people are called. */
export class AccountNames {
  readonly #nameOf: Statement<[string], { name: string }>;

  constructor(database: Database) {
    this.#nameOf = database.prepare('select name from "user" where id = ?');
  }

  /** Null where there is no such person. */
  nameOf(personId: string): string | null {
    return this.#nameOf.get(personId)?.name ?? null;
  }
}
