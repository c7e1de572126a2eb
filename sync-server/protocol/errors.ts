/**
 * The one error that crosses folders. Every code has one HTTP status and one WebSocket close code,
 * so that a refusal reads the same whichever door it came through.
 *
 * Close codes 4400-4499 are final for the stock y-websocket provider (it does not come back);
 * 4500-4599 mean "try later" and it reconnects.
 */
export const OFFICE_ERRORS = {
  bad_request: { status: 400, close: 4400 },
  forged: { status: 400, close: 4422 },
  unauthenticated: { status: 401, close: 4401 },
  forbidden: { status: 403, close: 4403 },
  unknown: { status: 404, close: 4404 },
  conflict: { status: 409, close: 4409 },
  too_large: { status: 413, close: 4413 },
  too_many: { status: 429, close: 4529 },
  internal: { status: 500, close: 4500 },
  storage: { status: 503, close: 4503 },
  restarting: { status: 503, close: 4504 },
} as const satisfies Record<string, { status: number; close: number }>;

export type OfficeErrorCode = keyof typeof OFFICE_ERRORS;

/** An expected refusal, safe to show: `message` is one sentence for a person. */
export class OfficeError extends Error {
  readonly code: OfficeErrorCode;
  /** Seconds after which trying again makes sense (HTTP `Retry-After`); only with `too_many`, `storage`, `restarting`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: OfficeErrorCode, message: string, options?: { retryAfterSeconds?: number; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OfficeError';
    this.code = code;
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }

  get status(): number {
    return OFFICE_ERRORS[this.code].status;
  }

  get closeCode(): number {
    return OFFICE_ERRORS[this.code].close;
  }
}
