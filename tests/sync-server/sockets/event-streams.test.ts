import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import type { StoredEvent } from '../../../persistence/projection/event-log.ts';
import { readRetryHint } from '../../../sync-server/protocol/retry-hint.ts';
import { EventStreams, MAX_STREAM_BUFFER_BYTES } from '../../../sync-server/sockets/event-streams.ts';
import { Tally } from '../../../sync-server/tally.ts';
import { person } from '../../support/entries.ts';

/** A socket whose reader is as slow as the test says. */
class SlowSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: string[] = [];
  readonly closes: { code: number; reason: string }[] = [];

  send(text: string): void {
    this.sent.push(text);
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }
}

const event = (id: number) =>
  // reason: the streams look at nothing else of an event
  ({ wire: { event_id: id } }) as unknown as StoredEvent;

test('[BO4] a reader of events for whom over 4 MiB wait is told to come back, and when; it resumes with `since`', () => {
  const tally = new Tally();
  const streams = new EventStreams(
    { since: () => ({ events: [], gap: false, oldest: 0 }), visibleTo: () => true },
    tally,
  );
  const socket = new SlowSocket();
  // reason: it has what the streams use of a socket
  streams.add(socket as unknown as WebSocket, person('ann'), null);
  socket.bufferedAmount = MAX_STREAM_BUFFER_BYTES;
  streams.publish([event(1)]);
  expect([socket.sent.length, socket.closes.length]).toEqual([1, 0]);
  socket.bufferedAmount = MAX_STREAM_BUFFER_BYTES + 1;
  streams.publish([event(2), event(3)]);
  expect(socket.sent).toHaveLength(1);
  expect(socket.closes.map(({ code }) => code)).toEqual([4529]);
  expect(readRetryHint(socket.closes[0]?.reason ?? '')).toBeGreaterThan(0);
  expect([streams.count, tally.of('streams_too_slow')]).toEqual([0, 1]);
});

test('[EV8] what a reader names as its newest event is not told to it again, though its turn comes only now', () => {
  const streams = new EventStreams(
    { since: () => ({ events: [], gap: false, oldest: 1 }), visibleTo: () => true },
    new Tally(),
  );
  const socket = new SlowSocket();
  // reason: it has what the streams use of a socket
  streams.add(socket as unknown as WebSocket, person('ann'), 7);
  streams.publish([event(6), event(7), event(8)]);
  expect(socket.sent).toEqual([JSON.stringify(event(8).wire)]);
});
