/**
 * Why a request to the model failed.
 *
 * - `unreachable`: nobody that speaks Ollama's API answers at the address.
 * - `model-missing`: it answers, but has no model of that name.
 * - `unsupported`: the model or server cannot do what was asked (thinking, tools, chat).
 * - `busy`: its queue is full; asking again later may work.
 * - `runner-crashed`: the model could not be loaded or died.
 * - `bad-request`: the request itself was refused.
 * - `interrupted`: the answer began and ended without its end; what was yielded so far is true.
 * - `timeout`: one of our limits passed.
 * - `aborted`: the caller's signal.
 */
export type ModelErrorCode =
  | 'unreachable'
  | 'model-missing'
  | 'unsupported'
  | 'busy'
  | 'runner-crashed'
  | 'bad-request'
  | 'interrupted'
  | 'timeout'
  | 'aborted';

/** The one error that leaves this folder. Its message is a sentence that may be shown to a person. */
export class ModelError extends Error {
  readonly code: ModelErrorCode;
  /** The HTTP status of a refusal; null where there was none. */
  readonly status: number | null;

  constructor(code: ModelErrorCode, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ModelError';
    this.code = code;
    this.status = options.status ?? null;
  }
}

/** A refusal before the first byte: the status decides, the message only refines it. */
export function errorFromRefusal(status: number, message: string): ModelError {
  return new ModelError(codeOfRefusal(status, message), message, { status });
}

function codeOfRefusal(status: number, message: string): ModelErrorCode {
  switch (status) {
    case 404:
      return /\bmodel\b/i.test(message) ? 'model-missing' : 'unsupported';
    case 400:
      return /does not support/i.test(message) ? 'unsupported' : 'bad-request';
    case 405:
    case 501:
      return 'unsupported';
    case 429:
    case 503:
      return 'busy';
    case 502:
    case 504:
      return 'unreachable';
    default:
      return status >= 500 ? 'runner-crashed' : 'bad-request';
  }
}

/** A pull fails after its 200, with an error line. A name that nobody publishes fails like that, too. */
export function errorFromPull(failure: ModelError): ModelError {
  const isUnknownName = failure.code === 'interrupted' && /file does not exist|not found/i.test(failure.message);
  return isUnknownName
    ? new ModelError('model-missing', 'Nobody publishes a model of this name.', { cause: failure })
    : failure;
}
