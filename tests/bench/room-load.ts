import { Author } from './author.ts';
import type { Bed } from './bed.ts';
import { RawPeer } from './raw-peer.ts';
import type { ServerProcess } from './server-process.ts';
import { eachChange } from './wire.ts';

/** What peers of a loaded room hear. Latencies in ms, from before the frame was sent. */
export interface RoomListener {
  /** A change reached a peer that did not write it. */
  onDelivered?(client: number, clock: number, latencyMs: number): void;
  /** A change of the room has a receipt. */
  onSaved?(client: number, clock: number, latencyMs: number): void;
}

interface Speaker {
  readonly peer: RawPeer;
  readonly client: number;
  readonly frames: readonly Uint8Array[];
  said: number;
  saved: number;
}

/** One room full of peers that take turns at speaking. */
export class RoomLoad {
  readonly #speakers: readonly Speaker[];
  readonly #sentAt = new Map<number, Float64Array>();
  #next = 0;
  #deliveries = 0;

  private constructor(speakers: readonly Speaker[], listener: RoomListener) {
    this.#speakers = speakers;
    for (const speaker of speakers) this.#sentAt.set(speaker.client, new Float64Array(speaker.frames.length));
    for (const speaker of speakers) this.#listen(speaker, listener);
  }

  /** Joins the peers of a room and prepares what each will say. */
  static async join(
    where: { readonly bed: Bed; readonly server: ServerProcess; readonly room: string },
    size: { readonly peers: number; readonly messages: number },
    listener: RoomListener,
  ): Promise<RoomLoad> {
    const each = Math.ceil(size.messages / size.peers);
    const speakers = await Promise.all(
      Array.from({ length: size.peers }, async (_, index): Promise<Speaker> => {
        const seat = where.bed.seat(where.server, where.room, index);
        const author = new Author(seat.person);
        const frames = author.write(each).map((update) => seat.wire.update(update));
        const { peer } = await RawPeer.join(seat);
        return { peer, client: author.clientId, frames, said: 0, saved: 0 };
      }),
    );
    return new RoomLoad(speakers, listener);
  }

  /** The next peer says its next message. */
  say(): void {
    const speaker = this.#speakers[this.#next++ % this.#speakers.length];
    const frame = speaker?.frames[speaker.said];
    if (!speaker || !frame) throw new RangeError('more is said than was prepared');
    const sentAt = this.#sentAt.get(speaker.client);
    if (sentAt) sentAt[speaker.said] = performance.now();
    speaker.said++;
    speaker.peer.say(frame);
  }

  /** Messages said so far, by all of them. */
  get said(): number {
    return this.#next;
  }

  /** Changes that reached a peer other than their author. */
  get deliveries(): number {
    return this.#deliveries;
  }

  /** Deliveries that are still to come, where nothing is lost. */
  get missing(): number {
    return this.#next * (this.#speakers.length - 1) - this.#deliveries;
  }

  /** Throws where the server closed a connection: what is measured then is not the load that was meant. */
  assertOpen(): void {
    for (const { peer } of this.#speakers) {
      if (peer.closeReason !== null) throw new Error(`a peer was closed: ${peer.closeReason}`);
    }
  }

  leave(): void {
    for (const { peer } of this.#speakers) peer.leave();
  }

  #listen(speaker: Speaker, listener: RoomListener): void {
    speaker.peer.hear((heard) => {
      if (heard.kind === 'update') {
        const now = performance.now();
        eachChange(heard.update, (client, clock) => {
          const sentAt = client === speaker.client ? undefined : this.#sentAt.get(client)?.[clock];
          if (sentAt === undefined) return;
          this.#deliveries++;
          listener.onDelivered?.(client, clock, now - sentAt);
        });
      }
      if (heard.kind === 'receipt') {
        const now = performance.now();
        const saved = heard.saved.get(speaker.client) ?? 0;
        for (; speaker.saved < saved; speaker.saved++) {
          const sentAt = this.#sentAt.get(speaker.client)?.[speaker.saved] ?? now;
          listener.onSaved?.(speaker.client, speaker.saved, now - sentAt);
        }
      }
    });
  }
}
