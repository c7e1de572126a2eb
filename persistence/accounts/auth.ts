import { apiKey } from '@better-auth/api-key';
import { type BetterAuthOptions, betterAuth } from 'better-auth';
import { APIError } from 'better-auth/api';
import { SqliteDialect } from 'kysely';
import type { Database } from '../database.ts';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './credentials.ts';

/** A browser that comes back within this time stays signed in. */
const SESSION_SECONDS = 30 * 24 * 60 * 60;
/** Sign-ins from one address: enough for a floor behind one router, too few for guessing. */
export const MAX_SIGN_INS_PER_MINUTE = 20;
/** Set by `Accounts.handler` alone, from the socket; whatever a client sends under this name is dropped. */
export const REMOTE_ADDRESS_HEADER = 'x-daena-remote-address';
const API_KEY_PREFIX = 'daena_';
export const MAX_API_KEY_NAME_LENGTH = 100;

export interface AuthSettings {
  readonly database: Database;
  readonly baseUrl: string;
  readonly secret: string;
  readonly trustedOrigins: readonly string[];
  /** Whether cookies are for HTTPS only. */
  readonly secureCookies: boolean;
}

export interface AuthHooks {
  readonly isDisabled: (personId: string) => boolean;
  readonly sessionEnded: (personId: string) => void;
}

/** better-auth's settings for this office; exported so that a test can compare them with the migrations. */
export function authOptions(settings: AuthSettings, hooks: AuthHooks) {
  return {
    appName: 'Daena',
    baseURL: settings.baseUrl,
    basePath: '/api/auth',
    secret: settings.secret,
    trustedOrigins: [...settings.trustedOrigins],
    // No transactions of its own: they stay open across awaits, and everything else that uses this connection in the
    // meantime would fall into them. Each statement commits by itself; what must be atomic is done in `AccountStore`.
    database: { dialect: new SqliteDialect({ database: settings.database }), type: 'sqlite', transaction: false },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: MIN_PASSWORD_LENGTH,
      maxPasswordLength: MAX_PASSWORD_LENGTH,
    },
    session: { modelName: 'auth_session', expiresIn: SESSION_SECONDS, freshAge: 0 },
    user: {
      additionalFields: {
        role: { type: 'string', required: true, defaultValue: 'member', input: false },
        disabled: { type: 'boolean', required: true, defaultValue: false, input: false },
        lastSeenAt: { type: 'date', required: false, input: false },
      },
    },
    plugins: [
      apiKey({
        defaultPrefix: API_KEY_PREFIX,
        maximumNameLength: MAX_API_KEY_NAME_LENGTH,
        requireName: true,
        rateLimit: { enabled: false },
      }),
    ],
    rateLimit: { enabled: true, customRules: { '/sign-in/email': { window: 60, max: MAX_SIGN_INS_PER_MINUTE } } },
    advanced: {
      cookiePrefix: 'daena',
      useSecureCookies: settings.secureCookies,
      // Said although it is the default: left unsaid, the library switches both checks off wherever it sees a test runner.
      disableOriginCheck: false,
      disableCSRFCheck: false,
      ipAddress: { ipAddressHeaders: [REMOTE_ADDRESS_HEADER] },
    },
    databaseHooks: {
      session: {
        create: {
          before: async (session) => {
            if (!hooks.isDisabled(session.userId)) return;
            throw new APIError('FORBIDDEN', { message: 'This account is disabled: ask the owner of the office.' });
          },
        },
        delete: { after: async (session) => hooks.sessionEnded(session.userId) },
      },
    },
    // What it says is for whoever configures it; refusals reach the caller as answers.
    logger: { disabled: true },
    telemetry: { enabled: false },
  } as const satisfies BetterAuthOptions;
}

export type Auth = ReturnType<typeof makeAuth>;

export const makeAuth = (settings: AuthSettings, hooks: AuthHooks) => betterAuth(authOptions(settings, hooks));
