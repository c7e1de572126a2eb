import { expect, test } from 'vitest';
import { MemoryUpdateLog } from '../../persistence/log/memory-update-log.ts';
import { ProjectionThread } from '../../persistence/projection/projection-thread.ts';
import { Grants } from '../../sync-server/grants.ts';
import { createLogger } from '../../sync-server/logger.ts';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import type { SessionId } from '../../sync-server/protocol/ids.ts';
import { EventStreams } from '../../sync-server/sockets/event-streams.ts';
import { Tally } from '../../sync-server/tally.ts';
import { wireProjection } from '../../sync-server/wire-projection.ts';
import { committed, message, NOON, openOffice, startSession, ulid } from '../persistence/projection/office-on-disk.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** A thread that ends between its commit and its answer. */
class DyingThread extends ProjectionThread {
  override async rebuild(...made: Parameters<ProjectionThread['rebuild']>): Promise<never> {
    await super.rebuild(...made);
    throw new OfficeError('storage', 'the projection thread ended: code 1');
  }
}

test('[EV8] events of a rebuild that was committed and not answered do not keep later ones back', async () => {
  const session: SessionId = ulid(1);
  const office = openOffice(`${tempFolder()}/office.sqlite`);
  startSession(office, session);
  const told: number[] = [];
  const { events } = office;
  const streams = new EventStreams(
    { since: (id, limit) => events.since(id, limit), visibleTo: () => true },
    new Tally(),
  );
  streams.publish = (stored) => void told.push(...stored.map(({ wire }) => wire.event_id));
  const thread = new DyingThread({ databaseFile: office.file, isSynced: false });
  const before = events.range().newest;
  const { rebuild, publish } = wireProjection({
    thread,
    log: new MemoryUpdateLog(),
    events,
    grants: new Grants((id) => office.sessions.get(id)),
    streams,
    clock: new ManualClock(NOON),
    logger: createLogger(() => undefined),
  });
  try {
    await expect(rebuild(session, [committed(session, [message(2, 'never projected')])])).rejects.toMatchObject({
      code: 'storage',
    });
    expect(events.range().newest).toBeGreaterThan(before);
    const payload = { council_id: 'x' };
    publish([{ type: 'council.created', entityType: 'council', entityId: 'x', sessionId: null, payload }]);
    expect(told).toEqual(Array.from({ length: events.range().newest - before }, (_, index) => before + 1 + index));
  } finally {
    await thread.close();
    office.database.close();
  }
});
