/**
 * The life of a room, as data: what happens to it, and what is to be done about it.
 *
 *     closed ──enter──► opening ──loaded──► open ──idle──► closing ──settled──► closed
 *       ▲                  │                  │               │
 *       └──────failed──────┴──────failed──────┘               └─settled, somebody waits─► opening
 *
 * A room is loaded once however many enter meanwhile. Who enters one that is closing waits until its last write is
 * durable, and gets a fresh one: nothing is ever read from the log while it is still being written.
 * `users` are connections and work under way alike.
 */
import { unreachable } from '../protocol/unreachable.ts';

export type RoomLife =
  | { readonly kind: 'closed' }
  /** Being read from the log; `users` wait for it. */
  | { readonly kind: 'opening'; readonly users: number }
  /** `users` 0: it leaves memory unless somebody comes. */
  | { readonly kind: 'open'; readonly users: number }
  /** Finishing its writes, or (where the office stops) still being read; `users` wait for a fresh one. */
  | { readonly kind: 'closing'; readonly users: number };

export type RoomEvent =
  /** Somebody wants it. */
  | 'enter'
  /** Somebody who entered is done with it. */
  | 'leave'
  /** It was read from the log. */
  | 'loaded'
  /** It could not be read, or it cannot go on. */
  | 'failed'
  /** It was empty for long enough. */
  | 'idle'
  /** Its last write is durable (or never will be), and its log is as short as it is worth. */
  | 'settled'
  /** The office stops: nobody is let in any more. */
  | 'drain';

export type RoomEffect =
  /** Read it from the log; then `loaded` or `failed`. */
  | 'load'
  /** Let in everyone who waits. */
  | 'admit'
  /** Send everyone away who waits. */
  | 'refuse'
  /** Say `idle` when it was empty for long enough; `stop-idling` calls that off. */
  | 'start-idling'
  | 'stop-idling'
  /** Close its connections with "try later". */
  | 'send-off'
  /** Finish its writes, compact its log; then `settled`. */
  | 'settle'
  /** Let go of the document. */
  | 'destroy';

export interface RoomStep {
  readonly life: RoomLife;
  /** To be done in this order. */
  readonly effects: readonly RoomEffect[];
}

export const CLOSED: RoomLife = { kind: 'closed' };

/** What follows from an event. One that means nothing in this state answers the same object and no effects. */
export function nextRoomLife(life: RoomLife, event: RoomEvent): RoomStep {
  switch (life.kind) {
    case 'closed':
      return event === 'enter' ? step({ kind: 'opening', users: 1 }, 'load') : step(life);
    case 'opening':
      return whileOpening(life, event);
    case 'open':
      return whileOpen(life, event);
    case 'closing':
      return whileClosing(life, event);
    default:
      return unreachable(life);
  }
}

function whileOpening(life: Extract<RoomLife, { kind: 'opening' }>, event: RoomEvent): RoomStep {
  switch (event) {
    case 'enter':
      return step({ ...life, users: life.users + 1 });
    case 'leave':
      return step({ ...life, users: Math.max(0, life.users - 1) });
    case 'loaded':
      return life.users > 0
        ? step({ kind: 'open', users: life.users }, 'admit')
        : step({ kind: 'open', users: 0 }, 'start-idling');
    case 'failed':
      return step(CLOSED, 'refuse');
    case 'drain':
      return step({ kind: 'closing', users: 0 }, 'refuse');
    case 'idle':
    case 'settled':
      return step(life);
    default:
      return unreachable(event);
  }
}

function whileOpen(life: Extract<RoomLife, { kind: 'open' }>, event: RoomEvent): RoomStep {
  switch (event) {
    case 'enter': {
      const entered: RoomLife = { kind: 'open', users: life.users + 1 };
      return life.users === 0 ? step(entered, 'stop-idling', 'admit') : step(entered, 'admit');
    }
    case 'leave': {
      if (life.users === 0) return step(life);
      const left: RoomLife = { kind: 'open', users: life.users - 1 };
      return left.users === 0 ? step(left, 'start-idling') : step(left);
    }
    case 'failed':
      return step(CLOSED, 'stop-idling');
    case 'idle':
      return life.users === 0 ? step({ kind: 'closing', users: 0 }, 'stop-idling', 'settle') : step(life);
    case 'drain':
      return step({ kind: 'closing', users: 0 }, 'stop-idling', 'send-off', 'settle');
    case 'loaded':
    case 'settled':
      return step(life);
    default:
      return unreachable(event);
  }
}

function whileClosing(life: Extract<RoomLife, { kind: 'closing' }>, event: RoomEvent): RoomStep {
  switch (event) {
    case 'enter':
      return step({ kind: 'closing', users: life.users + 1 });
    case 'leave':
      return life.users === 0 ? step(life) : step({ kind: 'closing', users: life.users - 1 });
    case 'loaded':
      return step(life, 'settle');
    case 'settled':
      return life.users > 0 ? step({ kind: 'opening', users: life.users }, 'destroy', 'load') : step(CLOSED, 'destroy');
    case 'failed':
      return life.users > 0 ? step({ kind: 'opening', users: life.users }, 'load') : step(CLOSED);
    case 'drain':
      return life.users > 0 ? step({ kind: 'closing', users: 0 }, 'refuse') : step(life);
    case 'idle':
      return step(life);
    default:
      return unreachable(event);
  }
}

const step = (life: RoomLife, ...effects: RoomEffect[]): RoomStep => ({ life, effects });
