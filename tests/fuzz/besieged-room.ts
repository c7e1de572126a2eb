/**
 * Hostile frames at rooms: a segment and a brief, a hostile person, a hostile worker with a lease, and an honest person
 * whose entries must all be there afterwards. Every so often everything is closed, read back from its log, and begun anew:
 * what has grown by then, has leaked. Each such siege has the next seed.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import * as Y from 'yjs';
import { MemoryUpdateLog } from '../../persistence/log/memory-update-log.ts';
import type { LeaseGrant } from '../../sync-server/leases.ts';
import { briefName, segmentName } from '../../sync-server/protocol/document-name.ts';
import { writeUpdate } from '../../sync-server/protocol/frames.ts';
import type { Principal } from '../../sync-server/protocol/principal.ts';
import { entriesOf, readEntries, rowIdOf, writeEntry } from '../../sync-server/protocol/segment.ts';
import type { Room } from '../../sync-server/room/room.ts';
import { hasPending, loadDocument } from '../../sync-server/room/room-document.ts';
import { message, person, ulid } from '../support/entries.ts';
import { randomness } from '../support/mutated-frames.ts';
import { ListeningPeer, openRooms, type RoomsInMemory } from '../support/rooms-in-memory.ts';
import { hostileFrames } from './hostile-frames.ts';

/** Frames until everything is closed and begun anew. */
const FRAMES_PER_SIEGE = 20_000;
/** The event loop turns after so many frames. */
const FRAMES_PER_TURN = 32;
/** One frame in so many is the honest person's. */
const HONEST_EVERY = 200;
/** A frame may take this much of the thread's time, in ms. */
export const MAX_FRAME_MS = 50;

const HONEST_CLIENT = 900_000;
const LEASED_CLIENT = 7;
/** The honest person's first entry: no hostile one has such a number. */
const HONEST_FIRST = 1_000_000;

export interface Siege {
  frames: number;
  /** Rooms that failed. */
  failed: number;
  /** Documents that do not replay from their log, or with something pending. */
  unreadable: string[];
  /** Honest entries that are missing, and entries in a name whose owner did not write them. */
  lost: number;
  forged: number;
  slowestMs: number;
  /** Frames over `MAX_FRAME_MS`, in base64. */
  slow: string[];
  /** What the heap holds after each round of rooms, all closed, in bytes; 0 where garbage can't be collected on demand. */
  heap: number[];
}

const ALLOWANCE_BYTES = 16 * 1024 * 1024;

/** Whether the heap holds more at the end than after the second siege, when all code had run. */
export function hasGrown({ heap }: Siege): boolean {
  const [, early = 0] = heap;
  return (heap.at(-1) ?? 0) > early + ALLOWANCE_BYTES;
}

/** Sends so many frames. Rejects with whatever a room throws: it never should. */
export async function besiege(plan: {
  readonly frames: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}): Promise<Siege> {
  const siege: Siege = { frames: 0, failed: 0, unreadable: [], lost: 0, forged: 0, slowestMs: 0, slow: [], heap: [] };
  let { seed } = plan;
  while (siege.frames < plan.frames) {
    await besiegeOnce(siege, Math.min(FRAMES_PER_SIEGE, plan.frames - siege.frames), seed++);
    globalThis.gc?.();
    siege.heap.push(globalThis.gc ? process.memoryUsage().heapUsed : 0);
    const { frames, slowestMs, heap } = siege;
    plan.say(
      `${frames} frames, slowest ${slowestMs.toFixed(1)} ms, heap ${((heap.at(-1) ?? 0) / 2 ** 20).toFixed(1)} MiB`,
    );
  }
  return siege;
}

async function besiegeOnce(siege: Siege, frames: number, seed: number): Promise<void> {
  const below = randomness(seed);
  const open = openRooms(new MemoryUpdateLog());
  const names = [segmentName(ulid(1), 1), briefName(ulid(1))];
  const lease = grantLease(open, names[0] ?? '');
  const honest = new HonestWriter();
  const rooms: { room: Room; attackers: Attacker[] }[] = [];
  for (const name of names) {
    const mallory = new Attacker(person('mallory'), null);
    const worker = new Attacker({ kind: 'worker', id: 'worker' }, lease);
    const room = await open.rooms.join(name, mallory.peer);
    room.join(worker.peer);
    room.join(honest.peer);
    rooms.push({ room, attackers: [mallory, mallory, worker] });
  }
  const byMallory = hostileFrames('mallory', below);
  const asAnn = hostileFrames('ann', below);
  for (let n = 1; n <= frames; n++) {
    const target = rooms[below(4) === 0 ? 1 : 0];
    const attacker = target?.attackers[below(target.attackers.length)];
    if (!target || !attacker) throw new RangeError('nobody to attack');
    receiveTimed(siege, target.room, attacker, (below(8) === 0 ? asAnn : byMallory).next().value);
    if (n % HONEST_EVERY === 0 && rooms[0]) honest.write(rooms[0].room);
    if (n % FRAMES_PER_TURN === 0) await breathe();
  }
  siege.frames += frames;
  siege.failed += rooms.filter(({ room }) => room.isFailed).length;
  await open.rooms.drain();
  for (const name of names) await readBack(siege, seed, open, name, honest);
}

function grantLease({ leases }: RoomsInMemory, document: string): LeaseGrant {
  const turn = ulid(3);
  const lease: LeaseGrant = {
    turn,
    attempt: 1,
    document,
    clientId: LEASED_CLIENT,
    rowId: rowIdOf(turn, 1),
    agent: 'daena',
    step: 'answer',
    cause: ulid(1),
  };
  leases.grant(lease);
  return lease;
}

/** A hostile connection, which comes back whenever it is closed. */
class Attacker {
  readonly #principal: Principal;
  readonly #lease: LeaseGrant | null;
  peer: ListeningPeer;

  constructor(principal: Principal, lease: LeaseGrant | null) {
    this.#principal = principal;
    this.#lease = lease;
    this.peer = new ListeningPeer(principal, lease);
  }

  comeBack(room: Room): void {
    room.leave(this.peer);
    this.peer = new ListeningPeer(this.#principal, this.#lease);
    room.join(this.peer);
  }
}

class HonestWriter {
  readonly peer = new ListeningPeer(person('ann'));
  readonly #doc = new Y.Doc();
  #written = 0;

  constructor() {
    this.#doc.clientID = HONEST_CLIENT;
  }

  write(room: Room): void {
    const known = Y.encodeStateVector(this.#doc);
    writeEntry(this.#doc, message('ann', HONEST_FIRST + this.#written++));
    room.receive(this.peer, writeUpdate(Y.encodeStateAsUpdate(this.#doc, known)));
  }

  /** Entries that a document lacks. */
  missingIn(doc: Y.Doc): number {
    const there = entriesOf(doc);
    let missing = 0;
    for (let n = 0; n < this.#written; n++) if (!there.has(ulid(HONEST_FIRST + n))) missing++;
    return missing;
  }

  /** Whether an entry in this person's name is theirs. */
  wrote(id: string): boolean {
    return id >= ulid(HONEST_FIRST) && id < ulid(HONEST_FIRST + this.#written);
  }
}

/** By the time of this thread: what other programs take of the machine is not the frame's. */
function receiveTimed(siege: Siege, room: Room, attacker: Attacker, frame: Uint8Array): void {
  const before = process.threadCpuUsage();
  room.receive(attacker.peer, frame);
  const { user, system } = process.threadCpuUsage(before);
  const tookMs = (user + system) / 1000;
  siege.slowestMs = Math.max(siege.slowestMs, tookMs);
  if (tookMs > MAX_FRAME_MS) siege.slow.push(Buffer.from(frame).toString('base64'));
  if (attacker.peer.closes.length > 0 && !room.isFailed) attacker.comeBack(room);
}

async function readBack(
  siege: Siege,
  seed: number,
  { log }: RoomsInMemory,
  name: string,
  honest: HonestWriter,
): Promise<void> {
  const { doc, damage } = await loadDocument(log, name);
  if (damage !== null || hasPending(doc))
    siege.unreadable.push(`${name} of seed ${seed}: ${damage ?? 'changes are pending'}`);
  if (name.startsWith('session/')) {
    siege.lost += honest.missingIn(doc);
    siege.forged += readEntries(doc).filter(({ author, id }) => author === 'ann' && !honest.wrote(id)).length;
  }
  doc.destroy();
}
