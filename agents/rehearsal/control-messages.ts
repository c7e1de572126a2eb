import { z } from 'zod';
import type { RecordedRequest, RehearsalControl } from './rehearsal-control.ts';
import type { RehearsalServer } from './rehearsal-server.ts';

/** What the process that forked a rehearsal server may ask over IPC: the in-process control, message by message. */

const fault = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hold-headers') }),
  z.object({ kind: z.literal('fail-mid-stream'), afterChunks: z.int().nonnegative(), message: z.string().optional() }),
  z.object({ kind: z.literal('end-without-done'), afterChunks: z.int().nonnegative() }),
  z.object({ kind: z.literal('busy') }),
  z.object({ kind: z.literal('runner-crash') }),
  z.object({ kind: z.literal('missing-model') }),
  z.object({ kind: z.literal('slow'), chunkDelayMs: z.number().nonnegative() }),
]);

const order = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('script'),
    scripted: z.object({ fault, times: z.int().positive().optional(), ifMessagesContain: z.string().optional() }),
  }),
  z.object({ kind: z.literal('release') }),
  z.object({ kind: z.literal('reset') }),
  z.object({ kind: z.literal('install'), model: z.string() }),
  z.object({ kind: z.literal('remove'), model: z.string() }),
  z.object({ kind: z.literal('report') }),
]);
export type ControlOrder = z.output<typeof order>;

export const parentMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('stop') }),
  z.object({ type: z.literal('control'), id: z.int(), order }),
]);

/** The answer to every order: what the control knows after it. */
export type ControlReport = {
  readonly requests: readonly RecordedRequest[];
  readonly running: number;
  readonly held: number;
  readonly mostParallel: number;
  readonly loads: number;
};

export type ChildMessage =
  | { readonly type: 'ready'; readonly url: string }
  | { readonly type: 'control-report'; readonly id: number; readonly report: ControlReport };

export function obey(order: ControlOrder, control: RehearsalControl, server: RehearsalServer): ControlReport {
  switch (order.kind) {
    case 'script':
      control.script(order.scripted);
      break;
    case 'release':
      control.release();
      break;
    case 'reset':
      control.reset();
      break;
    case 'install':
      server.install(order.model);
      break;
    case 'remove':
      server.remove(order.model);
      break;
    case 'report':
      break;
    default:
      return unreachable(order);
  }
  const { requests, running, held, mostParallel, loads } = control;
  return { requests, running, held, mostParallel, loads };
}

function unreachable(order: never): never {
  throw new Error(`no such order: ${JSON.stringify(order)}`);
}
