/**
 * Who is who: people, their browser sessions and API keys, and the one-time links by which they come in.
 *
 *     owner link ─► createOwner ─► issueInvite ─► acceptInvite      issueResetLink ─► resetPassword
 *                       └──────────── a session cookie ───────────────┘
 *
 * better-auth keeps passwords, cookies and sessions; `AccountStore` does what must happen in one step.
 */
import { defaultKeyHasher } from '@better-auth/api-key';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import type { Person, Role } from '../../sync-server/protocol/principal.ts';
import { AccountStore, type ApiKeyRow, type Link, type Member } from './account-store.ts';
import { type Auth, type AuthSettings, MAX_API_KEY_NAME_LENGTH, makeAuth } from './auth.ts';
import { answerAuthRequest } from './auth-routes.ts';
import { checkNewAccount, checkPassword, type NewAccount, normaliseEmail } from './credentials.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
export const INVITE_LIFETIME_MS = 7 * DAY_MS;
export const RESET_LIFETIME_MS = DAY_MS;
const MAX_API_KEYS_PER_PERSON = 50;

const BEARER = /^Bearer +(\S+) *$/i;

export interface AccountsOptions extends AuthSettings {
  /** Milliseconds since the epoch, for links and what is written here; better-auth's sessions use the machine's clock. */
  readonly now: () => number;
}

/** Somebody's rights may have shrunk or grown: whoever holds a socket of theirs asks `principalOf` again. */
export interface GrantChange {
  readonly personId: string;
}

export interface OneTimeLink {
  /** Shown once: only its hash is stored. */
  readonly token: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

export interface SignedIn {
  readonly person: Person;
  /** Holds the `Set-Cookie` lines that sign the browser in. */
  readonly headers: Headers;
}

/** The accounts of a database that `openDatabase` opened. Every refusal is an `OfficeError`. */
export function createAccounts(options: AccountsOptions): Accounts {
  return new Accounts(options);
}

export class Accounts {
  readonly #store: AccountStore;
  readonly #auth: Auth;
  readonly #now: () => number;
  readonly #listeners = new Set<(change: GrantChange) => void>();

  constructor(options: AccountsOptions) {
    this.#now = options.now;
    this.#store = new AccountStore(options.database, options.now);
    this.#auth = makeAuth(options, {
      isDisabled: (personId) => this.#store.member(personId).disabled,
      sessionEnded: (personId) => this.#grantChanged(personId),
    });
  }

  /**
   * Answers `/api/auth/*` for browsers: sign-in by e-mail (limited per address), sign-out, `get-session`, listing and
   * revoking one's own sessions; anything else is 404. The caller bounds the body's size.
   * @param remoteAddress the peer's IP address as the socket has it; without it all peers share one limit
   */
  handler(request: Request, remoteAddress?: string): Promise<Response> {
    return answerAuthRequest(this.#auth, request, remoteAddress);
  }

  /**
   * Who sends these headers: by API key where there is a bearer token, else by session cookie. Null where neither is
   * known, valid and of an enabled member. Rejects only where the database cannot be read.
   */
  async principalOf(headers: Headers): Promise<Person | null> {
    const key = BEARER.exec(headers.get('authorization') ?? '')?.[1];
    if (key !== undefined) {
      const personId = this.#store.personIdOfKey(await defaultKeyHasher(key));
      return personId === null ? null : this.#store.seePerson(personId);
    }
    const session = await this.#sessionOf(headers);
    return session === null ? null : this.#store.seePerson(session.userId);
  }

  /**
   * Prolongs the browser session of these headers where that is due (once a day); answers the `Set-Cookie` lines that
   * say so, none where there is nothing to prolong. Rejects only where the database cannot be read.
   */
  async prolong(headers: Headers): Promise<readonly string[]> {
    const cookie = headers.get('cookie');
    if (cookie === null || headers.has('authorization')) return [];
    const answer = await this.#auth.api.getSession({ headers: new Headers({ cookie }), returnHeaders: true });
    return answer.headers.getSetCookie();
  }

  /** A person's name; null where nobody has that id. */
  nameOf(personId: string): string | null {
    return this.#store.nameOf(personId);
  }

  hasOwner(): boolean {
    return this.#store.hasOwner();
  }

  /** A token for `/setup#<token>`, good until there is an owner or another is issued. Throws `conflict` where there is one. */
  issueOwnerLink(): string {
    return this.#store.atomically(() => {
      if (this.#store.hasOwner()) throw ownerExists();
      return this.#store.addLink({ kind: 'owner' }, null);
    });
  }

  /**
   * Makes the first member, who owns the office. Rejects with `conflict` where there is an owner, `forbidden` where the
   * token is not the present link's, `bad_request` for what was typed.
   * @param account.token null only where the caller is the machine's own operator, as with the settings of a first start
   */
  async createOwner(account: NewAccount & { readonly token: string | null }): Promise<SignedIn> {
    const { token } = account;
    const check = () => {
      if (this.#store.hasOwner()) throw ownerExists();
      if (token !== null) this.#linkOf('owner', token);
    };
    check();
    const checked = checkNewAccount(account);
    const passwordHash = await this.#hash(checked.password);
    const personId = this.#store.atomically(() => {
      check();
      if (token !== null) this.#store.deleteLink(token);
      return this.#store.addPerson({ ...checked, passwordHash, role: 'owner' });
    });
    return this.#signIn(personId, checked);
  }

  /** An invitation, for anyone or for one address. Throws `forbidden` unless `by` owns the office. */
  issueInvite(by: Person, invite: { readonly email?: string; readonly role?: Role } = {}): OneTimeLink {
    const email = invite.email === undefined ? undefined : normaliseEmail(invite.email);
    return this.#store.atomically(() => {
      const inviter = this.#store.member(by.id);
      if (inviter.role !== 'owner' || inviter.disabled) {
        throw new OfficeError('forbidden', 'Only the owner of the office invites people.');
      }
      const link: Link = { kind: 'invite', role: invite.role ?? 'member', ...(email === undefined ? {} : { email }) };
      return this.#issue(link, INVITE_LIFETIME_MS);
    });
  }

  /** Makes a member of whoever holds the invitation. Rejects with `forbidden` (no such link), `conflict` (address taken), `bad_request`. */
  async acceptInvite(account: NewAccount & { readonly token: string }): Promise<SignedIn> {
    const { token } = account;
    const invited = this.#linkOf('invite', token);
    const checked = checkNewAccount(account);
    if (invited.email !== undefined && invited.email !== checked.email) {
      throw new OfficeError('forbidden', 'This invitation is for another e-mail address.');
    }
    const passwordHash = await this.#hash(checked.password);
    const personId = this.#store.atomically(() => {
      const { role = 'member' } = this.#linkOf('invite', token);
      this.#store.deleteLink(token);
      return this.#store.addPerson({ ...checked, passwordHash, role });
    });
    return this.#signIn(personId, checked);
  }

  /** Everybody, in order of joining. */
  members(): readonly Member[] {
    return this.#store.members();
  }

  /**
   * Shuts a member out at once (sessions and keys are gone for good) or lets them sign in again.
   * Throws `unknown`; `conflict` for the last owner.
   */
  setDisabled(personId: string, disabled: boolean): void {
    this.#store.atomically(() => {
      const member = this.#store.member(personId);
      if (disabled) this.#keepAnOwner(member);
      this.#store.setDisabled(personId, disabled);
      if (!disabled) return;
      this.#store.endSessions(personId);
      this.#store.deleteApiKeys(personId);
      this.#store.deleteResetLinks(personId);
    });
    this.#grantChanged(personId);
  }

  /** Throws `unknown`; `conflict` where the last owner would become a member. */
  setRole(personId: string, role: Role): void {
    this.#store.atomically(() => {
      const member = this.#store.member(personId);
      if (role !== 'owner') this.#keepAnOwner(member);
      this.#store.setRole(personId, role);
    });
    this.#grantChanged(personId);
  }

  /** A link to choose a new password; replaces an earlier one of this person. Throws `unknown`; `conflict` where disabled. */
  issueResetLink(personId: string): OneTimeLink {
    return this.#store.atomically(() => {
      this.#enabled(personId);
      return this.#issue({ kind: 'reset', personId }, RESET_LIFETIME_MS);
    });
  }

  /** Sets the password and signs the person out everywhere. Rejects with `forbidden` (no such link), `bad_request`. */
  async resetPassword(reset: { readonly token: string; readonly password: string }): Promise<void> {
    this.#linkOf('reset', reset.token);
    checkPassword(reset.password);
    const passwordHash = await this.#hash(reset.password);
    const personId = this.#store.atomically(() => {
      const { id } = this.#enabled(this.#linkOf('reset', reset.token).personId ?? '');
      this.#store.deleteResetLinks(id);
      this.#store.setPassword(id, passwordHash);
      this.#store.endSessions(id);
      return id;
    });
    this.#grantChanged(personId);
  }

  /** Ends the person's sessions but the one of these headers; all of them where the headers are somebody else's. */
  async signOutOtherDevices(personId: string, currentHeaders: Headers): Promise<void> {
    const current = await this.#sessionOf(currentHeaders);
    const kept = current?.userId === personId ? current.token : undefined;
    if (this.#store.endSessions(personId, kept) > 0) this.#grantChanged(personId);
  }

  /** A key that acts as the person; `key` is shown once. Rejects with `bad_request`, `conflict` (disabled, or too many), `unknown`. */
  async makeApiKey(personId: string, name: string): Promise<{ readonly id: string; readonly key: string }> {
    const trimmed = name.trim();
    if (trimmed.length === 0 || trimmed.length > MAX_API_KEY_NAME_LENGTH) {
      throw new OfficeError('bad_request', `A key needs a name of at most ${MAX_API_KEY_NAME_LENGTH} characters.`);
    }
    this.#enabled(personId);
    if (this.#store.apiKeys(personId).length >= MAX_API_KEYS_PER_PERSON) {
      throw new OfficeError('conflict', `There are ${MAX_API_KEYS_PER_PERSON} keys already: revoke one first.`);
    }
    const { id, key } = await this.#auth.api.createApiKey({ body: { name: trimmed, userId: personId } });
    return { id, key };
  }

  apiKeys(personId: string): readonly ApiKeyRow[] {
    return this.#store.apiKeys(personId);
  }

  /** Throws `unknown` where the person has no such key. */
  revokeApiKey(personId: string, keyId: string): void {
    if (!this.#store.deleteApiKey(personId, keyId)) throw new OfficeError('unknown', 'There is no such key.');
    this.#grantChanged(personId);
  }

  /**
   * Told, right after it is stored, when somebody was disabled or enabled, changed role, or lost a session or key.
   * Answers how to stop listening. A listener must not throw.
   */
  onGrantChange(listener: (change: GrantChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #grantChanged(personId: string): void {
    for (const listener of this.#listeners) listener({ personId });
  }

  #linkOf(kind: Link['kind'], token: string): Link {
    const link = this.#store.findLink(kind, token);
    if (link === undefined)
      throw new OfficeError('forbidden', 'This link was used, has expired, or was replaced by a newer one.');
    return link;
  }

  #issue(link: Link, lifetimeMs: number): OneTimeLink {
    const expiresAtMs = this.#now() + lifetimeMs;
    return { token: this.#store.addLink(link, expiresAtMs), expiresAt: new Date(expiresAtMs).toISOString() };
  }

  #keepAnOwner(member: Member): void {
    if (member.role !== 'owner' || this.#store.hasOwnerBeside(member.id)) return;
    throw new OfficeError('conflict', 'This is the only owner: make somebody else an owner first.');
  }

  #enabled(personId: string): Member {
    const member = this.#store.member(personId);
    if (member.disabled) throw new OfficeError('conflict', 'This member is disabled.');
    return member;
  }

  async #hash(password: string): Promise<string> {
    return (await this.#auth.$context).password.hash(password);
  }

  async #sessionOf(headers: Headers): Promise<{ readonly userId: string; readonly token: string } | null> {
    const cookie = headers.get('cookie');
    if (cookie === null) return null;
    try {
      // Not prolonged here, where the cookie could not be sent along: `prolong` does.
      const query = { disableRefresh: true };
      return (await this.#auth.api.getSession({ headers: new Headers({ cookie }), query }))?.session ?? null;
    } catch (cause) {
      throw new OfficeError('storage', 'Accounts cannot be read at the moment.', { retryAfterSeconds: 5, cause });
    }
  }

  async #signIn(personId: string, { email, password }: NewAccount): Promise<SignedIn> {
    const { headers } = await this.#auth.api.signInEmail({ body: { email, password }, returnHeaders: true });
    const person = this.#store.seePerson(personId);
    if (person === null) throw new OfficeError('forbidden', 'This account was disabled.');
    return { person, headers };
  }
}

const ownerExists = () => new OfficeError('conflict', 'This office has an owner already.');
