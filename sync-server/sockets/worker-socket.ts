import type { WebSocket } from 'ws';
import { type Logger, reasonOf } from '../logger.ts';
import { OFFICE_ERRORS } from '../protocol/errors.ts';
import { workerMessageSchema } from '../protocol/worker-link.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import { closeSocket } from './close-socket.ts';

/** Joins a worker's standing socket to the scheduler, until it closes. */
export function serveWorkerSocket(socket: WebSocket, scheduler: Scheduler, logger: Logger): void {
  const worker = scheduler.attachWorker({
    send: (message) => {
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
    },
    close: (code, reason) => closeSocket(socket, code, reason),
  });
  socket.on('close', () => worker.closed());
  socket.on('message', (data) => {
    let message: unknown;
    try {
      message = JSON.parse(String(data));
    } catch (error) {
      message = reasonOf(error);
    }
    const parsed = workerMessageSchema.safeParse(message);
    if (parsed.success) {
      worker.receive(parsed.data);
      return;
    }
    logger.warn('a worker said something that is not understood', { reason: parsed.error.issues[0]?.message });
    closeSocket(socket, OFFICE_ERRORS.bad_request.close, 'a message that is not understood');
  });
}
