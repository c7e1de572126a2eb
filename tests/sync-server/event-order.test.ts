import { expect, test } from 'vitest';
import type { StoredEvent } from '../../persistence/projection/event-log.ts';
import { EventOrder } from '../../sync-server/event-order.ts';

const event = (id: number): StoredEvent => ({
  wire: { event_id: id, event_type: 'x', entity_type: 'chat', entity_id: 'x', payload: null, timestamp: '' },
  sessionId: null,
});

function order(newest: number, log: readonly number[] = []) {
  const told: number[] = [];
  const order = new EventOrder(
    newest,
    (id) => log.filter((logged) => logged > id).map(event),
    (events) => told.push(...events.map(({ wire }) => wire.event_id)),
  );
  return { told, add: (...ids: number[]) => order.add(ids.map(event)), reread: () => order.reread() };
}

test('[EV8] events are told in the order of their ids, however the two writers tell of them', () => {
  const { told, add } = order(7);
  add(10);
  add(9, 11);
  expect(told).toEqual([]);
  add(8);
  expect(told).toEqual([8, 9, 10, 11]);
});

test('[EV8] an event is told once, though it is told of twice', () => {
  const { told, add } = order(0);
  add(1, 2);
  add(1, 2, 3);
  expect(told).toEqual([1, 2, 3]);
});

test('[EV8] what nobody told of is read from the log', () => {
  const { told, add, reread } = order(2, [1, 2, 3, 4, 5]);
  add(5);
  reread();
  expect(told).toEqual([3, 4, 5]);
  add(5, 6);
  expect(told).toEqual([3, 4, 5, 6]);
});

test('[EV8] a hole that stays does not let what waits grow without end', () => {
  const log = Array.from({ length: 5_002 }, (_, index) => index + 2);
  const { told, add } = order(0, log);
  for (const id of log.slice(0, -1)) add(id);
  // As many as may wait, and one more: now the log is read, and says that there is no event 1.
  expect(told).toHaveLength(5_002);
  expect(told[0]).toBe(2);
});
