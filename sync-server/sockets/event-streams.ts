/** `/ws/events`: every event as it happens, to those who may see it; first what was missed, where `since` says so. */
import type { WebSocket } from 'ws';
import type { StoredEvent } from '../../persistence/projection/event-log.ts';
import { OFFICE_ERRORS } from '../protocol/errors.ts';
import { eventClientSchema } from '../protocol/events.ts';
import type { Person } from '../protocol/principal.ts';
import type { Tally } from '../tally.ts';
import { closeSocket } from './close-socket.ts';

/** Unsent bytes from which a stream is closed: it comes back with `since`. */
export const MAX_STREAM_BUFFER_BYTES = 4 * 1024 * 1024;
/** Events replayed on one connection; more is a gap. */
export const MAX_REPLAY = 5_000;

export interface EventSource {
  since(
    id: number,
    limit: number,
  ): { readonly events: readonly StoredEvent[]; readonly gap: boolean; readonly oldest: number };
  visibleTo(person: Person, event: StoredEvent): boolean;
}

interface Stream {
  readonly person: Person;
  /** The newest event that its reader had or that was replayed: what is published up to it is not said twice. */
  readonly replayedThrough: number;
}

export class EventStreams {
  readonly #source: EventSource;
  readonly #tally: Tally;
  readonly #streams = new Map<WebSocket, Stream>();

  constructor(source: EventSource, tally: Tally) {
    this.#source = source;
    this.#tally = tally;
  }

  get count(): number {
    return this.#streams.size;
  }

  /** Serves a stream until its socket closes. */
  add(socket: WebSocket, person: Person, since: number | null): void {
    const replayedThrough = since === null ? 0 : this.#replay(socket, person, since);
    this.#streams.set(socket, { person, replayedThrough });
    socket.on('close', () => this.#streams.delete(socket));
    socket.on('message', (data) => this.#receive(socket, String(data)));
  }

  /** Sends events to everyone who may see them. Called after they are committed, in their order. */
  publish(events: readonly StoredEvent[]): void {
    for (const event of events) {
      const text = JSON.stringify(event.wire);
      for (const [socket, { person, replayedThrough }] of this.#streams) {
        if (event.wire.event_id <= replayedThrough || !this.#source.visibleTo(person, event)) continue;
        if (socket.bufferedAmount > MAX_STREAM_BUFFER_BYTES) {
          this.#streams.delete(socket);
          this.#tally.add('streams_too_slow');
          closeSocket(socket, OFFICE_ERRORS.too_many.close, 'the connection cannot keep up');
        } else if (socket.readyState === socket.OPEN) {
          socket.send(text);
        }
      }
    }
  }

  /** Answers the id of the newest event that the stream has now. */
  #replay(socket: WebSocket, person: Person, since: number): number {
    // One more than is sent: a replay that stopped short would leave a hole before what happens next.
    const { events, gap, oldest } = this.#source.since(since, MAX_REPLAY + 1);
    if (gap || events.length > MAX_REPLAY) {
      socket.send(JSON.stringify({ gap: true, oldest }));
      return 0;
    }
    for (const event of events) if (this.#source.visibleTo(person, event)) socket.send(JSON.stringify(event.wire));
    return events.at(-1)?.wire.event_id ?? since;
  }

  #receive(socket: WebSocket, text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      // Answered below: what is no JSON is no message either.
      message = null;
    }
    if (eventClientSchema.safeParse(message).success) socket.send(JSON.stringify({ event_type: 'pong' }));
    else closeSocket(socket, OFFICE_ERRORS.bad_request.close, 'the one message understood here is {"type":"ping"}');
  }
}
