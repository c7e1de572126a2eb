import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import * as Y from 'yjs';
import { Author } from './author.ts';
import type { Bed } from './bed.ts';
import { median } from './numbers.ts';
import { until } from './pace.ts';
import { RawPeer } from './raw-peer.ts';
import type { ServerProcess } from './server-process.ts';
import type { Subject } from './subjects.ts';

export interface ColdOpenResult {
  readonly messages: number;
  /**
   * From the first request until a new peer holds, decoded, what its first screen shows: the whole document where a chat
   * is one, else the newest part of it and as much of the history as fills a screen. No room was in the server's memory.
   */
  readonly openMs: number;
  /** What the server sent for it, over the socket and HTTP. */
  readonly bytes: number;
  /** What the server's process holds more with the room open, after a garbage collection. */
  readonly heldBytes: number;
  /** Where the chat could not be made or opened: why. */
  readonly failure: string | null;
}

/** Messages in one frame while a chat is filled: well below every server's frame limit. */
const FILL_CHUNK = 500;
/**
 * Chats of each size, each by some messages shorter than the one before, so that the newest part of a chat that has parts
 * is full in one and nearly empty in another; the figures are medians. Of those that take long to fill there is one.
 */
const CHATS = 3;
const SHORTER = 350;
const LONG_CHAT = 50_000;
/** Filling or storing a chat takes at most this long, in ms. */
const FILL_MS = 120_000;
/** Hocuspocus stores 2 s after the last change. */
const STORE_MS = 3_000;

/** Opens chats of one size in a server that has just started. */
export async function measureColdOpen(
  subject: Subject,
  { folder, messages }: { readonly folder: string; readonly messages: number },
): Promise<ColdOpenResult> {
  const bed = await subject.makeBed({ folder });
  try {
    const [tiny, ...chats] = await fill(bed, messages);
    const server = await bed.start();
    try {
      // What a process only needs for whoever comes first, here and there, is not what a long chat costs.
      if (tiny) await open(bed, server, tiny);
      const opened = [];
      for (const chat of chats) opened.push(await open(bed, server, chat));
      return {
        messages,
        openMs: median(opened.map(({ openMs }) => openMs)),
        bytes: median(opened.map(({ bytes }) => bytes)),
        heldBytes: median(opened.map(({ heldBytes }) => heldBytes)),
        failure: null,
      };
    } finally {
      await server.stop();
    }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { messages, openMs: Number.NaN, bytes: Number.NaN, heldBytes: Number.NaN, failure };
  }
}

interface Chat {
  /** The room in which it began. */
  readonly room: string;
  readonly messages: number;
}

/** Writes the chats through peers, as everyone must, and stops the server once it has stored them. The first is tiny. */
async function fill(bed: Bed, messages: number): Promise<Chat[]> {
  const server = await bed.start();
  try {
    const rooms = await bed.makeRooms(server, messages < LONG_CHAT ? CHATS : 1);
    const chats = rooms.map((room, index) => ({ room, messages: messages - index * Math.min(SHORTER, messages / 4) }));
    for (const room of await bed.makeRooms(server, 1)) chats.unshift({ room, messages: 2 });
    for (const chat of chats) await fillChat(bed, server, chat);
    await wait(STORE_MS);
    return chats;
  } finally {
    await server.stop();
  }
}

async function fillChat(bed: Bed, server: ServerProcess, { room, messages }: Chat): Promise<void> {
  // Two who talk with each other: to one who is alone an agent would answer.
  let [one, other] = await Promise.all([Writer.join(bed, server, room, 0), Writer.join(bed, server, room, 1)]);
  await one.write(1, other);
  await other.write(1, one);
  let inRoom = 2;
  for (let written = 2; written < messages; ) {
    const count = Math.min(FILL_CHUNK, messages - written, (bed.roomHolds ?? Infinity) - inRoom);
    if (count > 0) await one.write(count, other);
    written += count;
    inRoom += count;
    [one, other] = [other, one];
    if (bed.roomHolds === null || inRoom < bed.roomHolds) continue;
    const writers = [one, other];
    if (!(await until(() => writers.every(({ next }) => next !== null), FILL_MS)))
      throw new Error(`a full room did not end after ${written} messages`);
    const next = one.next ?? '';
    for (const writer of writers) writer.leave();
    [one, other] = await Promise.all([Writer.join(bed, server, next, 0), Writer.join(bed, server, next, 1)]);
    inRoom = 0;
  }
  one.leave();
  other.leave();
}

class Writer {
  readonly #peer: RawPeer;
  readonly #author: Author;
  readonly #heard = new Map<number, number>();
  #written = 0;
  /** The room in which the chat goes on, once this one has ended. */
  next: string | null = null;

  private constructor(bed: Bed, room: string, peer: RawPeer) {
    this.#peer = peer;
    this.#author = new Author(peer.seat.person);
    peer.hear((heard) => {
      if (heard.kind !== 'update') return;
      this.next ??= bed.nextRoom(room, heard.update);
      for (const [client, clock] of Y.parseUpdateMeta(heard.update).to) this.#heard.set(client, clock);
    });
  }

  static async join(bed: Bed, server: ServerProcess, room: string, index: number): Promise<Writer> {
    const { peer } = await RawPeer.join(bed.seat(server, room, index));
    return new Writer(bed, room, peer);
  }

  /** Writes messages in one frame. Resolves when the witness has them; rejects where they don't come. */
  async write(count: number, witness: Writer): Promise<void> {
    this.#peer.say(this.#peer.seat.wire.update(this.#author.writeAtOnce(count)));
    this.#written += count;
    const { clientId } = this.#author;
    const isThere = (): boolean => (witness.#heard.get(clientId) ?? 0) >= this.#written;
    const isOver = await until(() => isThere() || this.#peer.closeReason !== null, FILL_MS);
    if (!isOver || !isThere())
      throw new Error(`filling stopped after ${this.#written}: ${this.#peer.closeReason ?? 'silence'}`);
  }

  leave(): void {
    this.#peer.leave();
  }
}

async function open(
  bed: Bed,
  server: ServerProcess,
  chat: Chat,
): Promise<{ openMs: number; bytes: number; heldBytes: number }> {
  const before = await server.usage({ collect: true });
  const startedAt = performance.now();
  const doc = new Y.Doc();
  const { room, bytes: asked } = await bed.entrance(server, chat.room);
  const { peer, document } = await RawPeer.join(bed.seat(server, room, 0));
  Y.applyUpdate(doc, document);
  let bytes = asked + document.byteLength;
  const size = (): number => doc.getMap('entries').size;
  // y-websocket's server answers before it has loaded; the rest comes as an update.
  peer.hear((heard) => {
    if (heard.kind !== 'update' && heard.kind !== 'step2') return;
    bytes += heard.update.byteLength;
    Y.applyUpdate(doc, heard.update);
  });
  // Of a chat in parts, the newest one comes whole with the answer, however short it is.
  const least = bed.roomHolds === null ? chat.messages : 0;
  if (!(await until(() => size() >= least, FILL_MS))) throw new Error(`only ${size()} of ${least} messages came`);
  bytes += (await bed.earlier(server, room, size())).bytes;
  const openMs = performance.now() - startedAt;
  const after = await server.usage({ collect: true });
  peer.leave();
  doc.destroy();
  return { openMs, bytes, heldBytes: after.heldBytes - before.heldBytes };
}
