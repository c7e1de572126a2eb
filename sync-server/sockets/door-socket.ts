import { WebSocket } from 'ws';
import { OFFICE_ERRORS } from '../protocol/errors.ts';

/** What ws itself ends a connection with (RFC 6455, section 7.4.1), and what the office says in its place. */
const OWN_CLOSES: ReadonlyMap<number | undefined, readonly [code: number, reason: string]> = new Map([
  [1002, [OFFICE_ERRORS.bad_request.close, 'this is no WebSocket frame']],
  [1007, [OFFICE_ERRORS.bad_request.close, 'this text is no UTF-8']],
  [1008, [OFFICE_ERRORS.bad_request.close, 'a message in too many pieces']],
  [1009, [OFFICE_ERRORS.too_large.close, 'the message is too large']],
]);

/**
 * A socket at one of the office's doors. A message that breaks a rule of WebSockets, or is over its bound (known as soon
 * as its length is announced), ends it with our own final code: a stock provider takes ws's codes for a passing trouble,
 * and would come back with the same message for ever.
 */
export class DoorSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    const [ownCode, ownReason] = OWN_CLOSES.get(code) ?? [code, reason];
    super.close(ownCode, ownReason);
  }
}
