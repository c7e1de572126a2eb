import { expect, test } from 'vitest';
import {
  CLOSED,
  nextRoomLife,
  type RoomEffect,
  type RoomEvent,
  type RoomLife,
} from '../../../sync-server/room/room-life.ts';

type Outcome = readonly [life: RoomLife, ...effects: RoomEffect[]];

const opening = (users: number): RoomLife => ({ kind: 'opening', users });
const open = (users: number): RoomLife => ({ kind: 'open', users });
const closing = (users: number): RoomLife => ({ kind: 'closing', users });

/** What follows from every event in every state that differs; null: nothing. */
const TABLE: readonly [RoomLife, Record<RoomEvent, Outcome | null>][] = [
  [
    CLOSED,
    { enter: [opening(1), 'load'], leave: null, loaded: null, failed: null, idle: null, settled: null, drain: null },
  ],
  [
    opening(0),
    {
      enter: [opening(1)],
      leave: [opening(0)],
      loaded: [open(0), 'start-idling'],
      failed: [CLOSED, 'refuse'],
      idle: null,
      settled: null,
      drain: [closing(0), 'refuse'],
    },
  ],
  [
    opening(2),
    {
      enter: [opening(3)],
      leave: [opening(1)],
      loaded: [open(2), 'admit'],
      failed: [CLOSED, 'refuse'],
      idle: null,
      settled: null,
      drain: [closing(0), 'refuse'],
    },
  ],
  [
    open(0),
    {
      enter: [open(1), 'stop-idling', 'admit'],
      leave: null,
      loaded: null,
      failed: [CLOSED, 'stop-idling'],
      idle: [closing(0), 'stop-idling', 'settle'],
      settled: null,
      drain: [closing(0), 'stop-idling', 'send-off', 'settle'],
    },
  ],
  [
    open(1),
    {
      enter: [open(2), 'admit'],
      leave: [open(0), 'start-idling'],
      loaded: null,
      failed: [CLOSED, 'stop-idling'],
      idle: null,
      settled: null,
      drain: [closing(0), 'stop-idling', 'send-off', 'settle'],
    },
  ],
  [
    open(2),
    {
      enter: [open(3), 'admit'],
      leave: [open(1)],
      loaded: null,
      failed: [CLOSED, 'stop-idling'],
      idle: null,
      settled: null,
      drain: [closing(0), 'stop-idling', 'send-off', 'settle'],
    },
  ],
  [
    closing(0),
    {
      enter: [closing(1)],
      leave: null,
      loaded: [closing(0), 'settle'],
      failed: [CLOSED],
      idle: null,
      settled: [CLOSED, 'destroy'],
      drain: null,
    },
  ],
  [
    closing(2),
    {
      enter: [closing(3)],
      leave: [closing(1)],
      loaded: [closing(2), 'settle'],
      failed: [opening(2), 'load'],
      idle: null,
      settled: [opening(2), 'destroy', 'load'],
      drain: [closing(0), 'refuse'],
    },
  ],
];

for (const [life, outcomes] of TABLE) {
  const name = life.kind === 'closed' ? life.kind : `${life.kind} with ${life.users}`;
  test(`[RL1] what follows from each event in a room that is ${name}`, () => {
    for (const [event, outcome] of Object.entries(outcomes)) {
      // reason: the keys of the record are the events
      const next = nextRoomLife(life, event as RoomEvent);
      const [expected, ...effects] = outcome ?? [life];
      expect([event, next.life, next.effects]).toEqual([event, expected, effects]);
      if (outcome === null) expect(next.life).toBe(life);
    }
  });
}
