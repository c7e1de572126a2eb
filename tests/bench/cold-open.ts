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
  /** From connecting until a new peer holds the document, decoded; the room was not in the server's memory. */
  readonly openMs: number;
  /** What the server sent for it. */
  readonly bytes: number;
  /** What the server's process holds more with the room open, after a garbage collection. */
  readonly heldBytes: number;
  /** Where the chat could not be made or opened: why. */
  readonly failure: string | null;
}

/** Messages in one frame while a chat is filled: well below every server's frame limit. */
const FILL_CHUNK = 1_000;
/** Chats of each size; the figures are medians. Of those that take long to fill there is one. */
const CHATS = 3;
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
    const rooms = await fill(bed, messages);
    const server = await bed.start();
    try {
      const opened = [];
      for (const room of rooms) opened.push(await open(bed, server, room, messages));
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

/** Writes the chats through peers, as everyone must, and stops the server once it has stored them. */
async function fill(bed: Bed, messages: number): Promise<string[]> {
  const server = await bed.start();
  try {
    const rooms = await bed.makeRooms(server, messages < LONG_CHAT ? CHATS : 1);
    for (const room of rooms) {
      // Two who talk with each other: to one who is alone an agent would answer.
      const [one, other] = await Promise.all([Writer.join(bed, server, room, 0), Writer.join(bed, server, room, 1)]);
      await one.write(1, other);
      await other.write(1, one);
      for (let written = 2; written < messages; written += FILL_CHUNK) {
        const [from, to] = (written / FILL_CHUNK) % 2 < 1 ? [one, other] : [other, one];
        await from.write(Math.min(FILL_CHUNK, messages - written), to);
      }
      one.leave();
      other.leave();
    }
    await wait(STORE_MS);
    return rooms;
  } finally {
    await server.stop();
  }
}

class Writer {
  readonly #peer: RawPeer;
  readonly #author: Author;
  readonly #heard = new Map<number, number>();
  #written = 0;

  private constructor(peer: RawPeer) {
    this.#peer = peer;
    this.#author = new Author(peer.seat.person);
    peer.hear((heard) => {
      if (heard.kind !== 'update') return;
      for (const [client, clock] of Y.parseUpdateMeta(heard.update).to) this.#heard.set(client, clock);
    });
  }

  static async join(bed: Bed, server: ServerProcess, room: string, index: number): Promise<Writer> {
    const { peer } = await RawPeer.join(bed.seat(server, room, index));
    return new Writer(peer);
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
  room: string,
  messages: number,
): Promise<{ openMs: number; bytes: number; heldBytes: number }> {
  const before = await server.usage({ collect: true });
  const startedAt = performance.now();
  const doc = new Y.Doc();
  const { peer, document } = await RawPeer.join(bed.seat(server, room, 0));
  Y.applyUpdate(doc, document);
  let bytes = document.byteLength;
  const size = (): number => doc.getMap('entries').size;
  // y-websocket's server answers before it has loaded; the rest comes as an update.
  peer.hear((heard) => {
    if (heard.kind !== 'update' && heard.kind !== 'step2') return;
    bytes += heard.update.byteLength;
    Y.applyUpdate(doc, heard.update);
  });
  if (!(await until(() => size() >= messages, FILL_MS))) throw new Error(`only ${size()} of ${messages} messages came`);
  const openMs = performance.now() - startedAt;
  const after = await server.usage({ collect: true });
  peer.leave();
  doc.destroy();
  return { openMs, bytes, heldBytes: after.heldBytes - before.heldBytes };
}
