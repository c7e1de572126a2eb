import { expect, test } from 'vitest';
import { segmentName } from '../../../sync-server/protocol/document-name.ts';
import { IDLE_MS, MAX_OPEN_ROOMS, PROJECTION_PATIENCE_MS } from '../../../sync-server/room/rooms.ts';
import { CommitGate } from '../../support/commit-gate.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';
import { until } from '../../support/until.ts';

const ann = person('ann');
const name = segmentName(ulid(1), 1);

test('[RL2] a room is read once, however many come while it is', async () => {
  const { rooms, log } = openRooms();
  let reads = 0;
  const read = log.read.bind(log);
  log.read = (document) => {
    reads++;
    return read(document);
  };
  const joined = await Promise.all([1, 2, 3, 4].map(() => rooms.join(name, new ListeningPeer(ann))));
  expect(new Set(joined).size).toBe(1);
  expect(reads).toBe(1);
});

test('[RL3] who comes while a room closes waits until its last write is durable, and gets a fresh one that has it', async () => {
  const gate = new CommitGate();
  const { rooms, clock } = openRooms(gate.log);
  gate.hold();
  // Not waited for, so that the room is empty while the disk still works.
  const [first, writing] = await rooms.use(name, async (room) => {
    const saved = room.entries.appendAs(ann, () => message('ann', 1));
    return [room, saved] as const;
  });
  await until('the log was asked', () => gate.isHolding);
  clock.advance(IDLE_MS);
  let isIn = false;
  const joining = rooms.join(name, new ListeningPeer(ann)).then((room) => {
    isIn = true;
    return room;
  });
  await Promise.resolve();
  expect(isIn).toBe(false);
  gate.release();
  const second = await joining;
  await writing;
  expect(second).not.toBe(first);
  expect(second.entries.has(ulid(1))).toBe(true);
  expect(rooms.count).toBe(1);
});

test('[RL3] who waits while a room closes is told where the office stops, and where the disk fails gets a fresh one', async () => {
  for (const ending of ['drain', 'fail'] as const) {
    const gate = new CommitGate();
    const { rooms, clock } = openRooms(gate.log);
    gate.hold();
    const writing = await rooms.use(name, async (room) => [room.entries.appendAs(ann, () => message('ann', 1))]);
    const written = Promise.allSettled(writing);
    await until('the log was asked', () => gate.isHolding);
    clock.advance(IDLE_MS);
    const joining = rooms.join(name, new ListeningPeer(ann));
    const outcome = joining.then(
      () => 'in',
      (error: unknown) => error,
    );
    if (ending === 'drain') {
      const drained = rooms.drain();
      expect(await outcome).toMatchObject({ code: 'restarting' });
      gate.release();
      await drained;
      expect(rooms.count).toBe(0);
    } else {
      gate.isRefusing = true;
      gate.release();
      // The log of this document takes nothing for a while after a refusal: the fresh room says so.
      expect(await outcome).toMatchObject({ code: 'storage' });
    }
    await written;
  }
});

test('[RL3] a projection that stands still keeps a room in its log as it is, and nobody waiting for long', async () => {
  const { rooms, clock, log } = openRooms(undefined, { project: () => new Promise(() => undefined) });
  const first = await rooms.use(name, async (room) => {
    for (let n = 1; n <= 250; n++) void room.entries.appendAs(ann, () => message('ann', n));
    await room.durable();
    return room;
  });
  clock.advance(IDLE_MS);
  const joining = rooms.join(name, new ListeningPeer(ann));
  await until('the room has waited for its projection', () => {
    clock.advance(PROJECTION_PATIENCE_MS);
    return rooms.count === 1 && [...rooms.loaded()].some((room) => room !== first);
  });
  expect((await joining).entries.has(ulid(250))).toBe(true);
  expect((await log.read(name)).updates).toHaveLength(250);
});

test('[BO8] as many rooms are open as the bound says; the longest empty one makes place, and without one a newcomer is refused', async () => {
  const { rooms, tally } = openRooms();
  const names = Array.from({ length: MAX_OPEN_ROOMS + 2 }, (_, n) => segmentName(ulid(n + 1), 1));
  const first = names[0] ?? '';
  const beyond = names.at(-1) ?? '';
  const peers = names.map(() => new ListeningPeer(ann));
  const joinAt = async (n: number) => rooms.join(names[n] ?? '', peers[n] ?? new ListeningPeer(ann));
  const firstRoom = await joinAt(0);
  for (let n = 1; n < MAX_OPEN_ROOMS; n++) await joinAt(n);
  expect(rooms.count).toBe(MAX_OPEN_ROOMS);
  await expect(rooms.join(beyond, new ListeningPeer(ann))).rejects.toMatchObject({ code: 'too_many' });
  expect(tally.of('rooms_refused')).toBe(1);
  rooms.leave(firstRoom, peers[0] ?? new ListeningPeer(ann));
  await joinAt(MAX_OPEN_ROOMS);
  await until('the empty one is gone', () => rooms.count === MAX_OPEN_ROOMS);
  await expect(rooms.join(first, new ListeningPeer(ann))).rejects.toMatchObject({ code: 'too_many' });
});
