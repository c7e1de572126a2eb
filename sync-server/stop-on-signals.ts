import type { Server } from 'node:http';
import { type Logger, reasonOf } from './logger.ts';

/**
 * Stopping takes at most this long, in ms; then the process ends as it is (whatever was shown is in the log). Who waits
 * for it to stop is promised 10 s.
 */
export const STOP_MS = 9_000;

/**
 * Ends the process when it is told to, or when its launcher is gone: takes no connection any more, closes the office,
 * and exits with 0; with 1 where that fails or takes longer than `STOP_MS`.
 */
export function stopOnSignals(office: { close(): Promise<void> }, servers: readonly Server[], logger: Logger): void {
  let isStopping = false;
  const stop = (why: string): void => {
    if (isStopping) return;
    isStopping = true;
    logger.info('stopping', { why });
    for (const server of servers) server.close();
    setTimeout(() => {
      logger.error('stopping took too long');
      process.exit(1);
    }, STOP_MS).unref();
    office.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error('stopping failed', { reason: reasonOf(error) });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('disconnect', () => stop('the launcher is gone'));
  process.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'stop')
      stop('asked to');
  });
}
