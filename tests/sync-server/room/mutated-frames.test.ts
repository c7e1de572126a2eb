import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { briefName, segmentName } from '../../../sync-server/protocol/document-name.ts';
import { readEntries } from '../../../sync-server/protocol/segment.ts';
import { loadDocument } from '../../../sync-server/room/room-document.ts';
import { person, ulid } from '../../support/entries.ts';
import { mutate, randomness, seedFrames } from '../../support/mutated-frames.ts';
import { ListeningPeer, openRooms } from '../../support/rooms-in-memory.ts';

/** Pinned, so that a failure is found again; `DAENA_FUZZ_SEED` tries another. */
const SEED = Number(process.env.DAENA_FUZZ_SEED ?? 2_026);
const FRAMES = 20_000;

const mallory = person('mallory');

test(`[GA1] [INV11] ${FRAMES} mutated frames never make a room fail, and what they leave in the log replays (seed ${SEED})`, async () => {
  const { rooms, log, lines } = openRooms();
  const peer = new ListeningPeer(mallory);
  const below = randomness(SEED);
  const frames = seedFrames(mallory.id);
  const names = [segmentName(ulid(1), 1), briefName(ulid(1))];
  for (const name of names) {
    const room = await rooms.join(name, peer);
    for (let n = 0; n < FRAMES / 2; n++) {
      room.receive(peer, mutate(frames[below(frames.length)] ?? new Uint8Array([0]), below));
      // Some commits come between, some do not.
      if (below(4) === 0) await Promise.resolve();
    }
    expect(room.isFailed).toBe(false);
  }
  await rooms.drain();
  expect(lines.filter((line) => line.includes('a room was dropped'))).toEqual([]);
  expect(peer.closes.filter((code) => code >= 4500 && code !== 4504)).toEqual([]);
  for (const name of names) {
    const { doc, damage } = await loadDocument(log, name);
    expect(damage).toBeNull();
    expect(readEntries(doc).filter(({ author }) => author !== mallory.id)).toEqual([]);
    expect(Y.encodeStateAsUpdate(doc).byteLength).toBeGreaterThan(2);
  }
});
