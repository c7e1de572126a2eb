import { segmentName } from '../protocol/document-name.ts';
import { OfficeError } from '../protocol/errors.ts';
import { isUlid } from '../protocol/ids.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';
import type { SessionSegments } from './session-segments.ts';

/** The rooms of live segments: where everything goes that the server itself writes to a session. */
export class LiveRooms {
  readonly #rooms: Pick<Rooms, 'use'>;
  readonly #segments: SessionSegments;

  constructor(rooms: Pick<Rooms, 'use'>, segments: SessionSegments) {
    this.#rooms = rooms;
    this.#segments = segments;
  }

  /**
   * Runs with the room of the session's live segment, which stays in memory until the work is done. The segment is not
   * sealed when the work begins; it may be when the work goes on after an await. Rejects with `unknown` where there is
   * no such session.
   */
  async use<T>(sessionId: string, work: (room: Room) => Promise<T>): Promise<T> {
    const live = this.#segments.liveOf(sessionId);
    if (live === null || !isUlid(sessionId)) throw new OfficeError('unknown', 'no such session');
    for (let segment = live; ; segment++) {
      const done = await this.#rooms.use(segmentName(sessionId, segment), async (room) =>
        room.entries.isSealed ? null : { value: await work(room) },
      );
      if (done) return done.value;
    }
  }
}
