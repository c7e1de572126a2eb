import type { PersonEntry } from '../../sync-server/protocol/entry.ts';
import type { Signed } from '../support/office-people.ts';
import { until } from '../support/until.ts';
import { Device } from './device.ts';
import { type Below, nextEntry, seededUlid } from './written-entries.ts';

const WRITERS = 3;
/** Entries of one change at most: a device that was offline brings many at once. */
const MAX_BURST = 12;
/** One write in so many goes by HTTP. */
const BY_HTTP = 8;

export interface Shown {
  readonly how: 'receipt' | 'relay' | 'answer';
  /** The entry as JSON; of an answer the message's text. */
  readonly text: string;
}

/** One chat with the devices that write to it, a stock reader, and somebody who posts by HTTP. */
export class CrashRoom {
  readonly sessionId: string;
  readonly #document: string;
  readonly #people: readonly Signed[];
  readonly #writers: readonly Device[];
  readonly #reader: Device;
  /** Messages that the server answered for, as they were sent. */
  readonly #answered = new Map<string, string>();

  private constructor(sessionId: string, document: string, people: readonly Signed[]) {
    this.sessionId = sessionId;
    this.#document = document;
    this.#people = people;
    this.#writers = Array.from({ length: WRITERS }, (_, index) => this.#peer(index, true));
    this.#reader = this.#peer(WRITERS, false);
  }

  static async open(people: readonly Signed[], below: Below): Promise<CrashRoom> {
    const [owner] = people;
    if (!owner) throw new RangeError('a chat needs somebody');
    const body = { scope_type: 'general' as const, session_id: seededUlid(Date.now(), below) };
    const { session } = await owner.caller.call('startChat', { body });
    return new CrashRoom(session.session_id, session.documents.live, people);
  }

  #peer(index: number, knowsReceipts: boolean): Device {
    const person = this.#people[index % this.#people.length];
    if (!person) throw new RangeError('a chat needs somebody');
    return new Device({ caller: person.caller, document: this.#document, author: person.me.id, knowsReceipts });
  }

  get #peers(): readonly Device[] {
    return [...this.#writers, this.#reader];
  }

  /** Has a random device write something. */
  write(below: Below): void {
    if (below(BY_HTTP) === 0) this.#post(below);
    else this.#writeOnDevice(below);
  }

  #writeOnDevice(below: Below): void {
    const writer = this.#writers[below(WRITERS)];
    if (!writer) return;
    const own = [...writer.written];
    const count = below(4) === 0 ? 1 + below(MAX_BURST) : 1;
    const entries: PersonEntry[] = [];
    while (entries.length < count) entries.push(nextEntry(writer.author, [...own, ...entries], Date.now(), below));
    writer.write(entries);
  }

  #post(below: Below): void {
    const person = this.#people[below(this.#people.length)];
    const messageId = seededUlid(Date.now(), below);
    const content = `by HTTP ${messageId}`;
    const body = { content, message_id: messageId };
    person?.caller.send('postMessage', { params: { id: this.sessionId }, body }).then(
      ({ status }) => {
        if (status < 300) this.#answered.set(messageId, content);
      },
      // The server died before it answered: then it promised nothing.
      () => undefined,
    );
  }

  /**
   * What the server had said is durable, had passed on to the reader, or had answered by HTTP: how each entry was shown,
   * and its text as it was sent, by entry id. To be taken while the server is dead: a request that it never read can reach
   * the next one, and be answered before the news of it is here.
   */
  shown(): ReadonlyMap<string, Shown> {
    const shown = new Map<string, Shown>();
    for (const [id, body] of this.#answered) shown.set(id, { how: 'answer', text: body });
    for (const [id, text] of this.#reader.seen) shown.set(id, { how: 'relay', text });
    for (const writer of this.#writers) {
      // A receipt says that the place of a change is durable; what was not taken leaves its place empty, and is told.
      const told = writer.promised.filter(({ id }) => !writer.refused.has(id) && !writer.moved.has(id));
      for (const entry of told) shown.set(entry.id, { how: 'receipt', text: JSON.stringify(entry) });
    }
    return shown;
  }

  /** Entries that devices hold and the server has not promised. */
  get unsaved(): number {
    return this.#writers.reduce((count, writer) => count + writer.written.length - writer.promised.length, 0);
  }

  /** How many the chat has by now. */
  get segments(): number {
    return this.#reader.documents.length;
  }

  get refusals(): number {
    return this.#writers.reduce((count, { refused }) => count + refused.size, 0);
  }

  get isAlone(): boolean {
    return this.#peers.every(({ isConnected }) => !isConnected);
  }

  stayAway(): void {
    for (const peer of this.#peers) peer.stayAway();
  }

  comeBack(): void {
    for (const peer of this.#peers) peer.comeBack();
  }

  /** A device that knows nothing, once it is told everything. */
  async newcomer(): Promise<Device> {
    const peer = this.#peer(0, false);
    await until('a newcomer is told everything', () => peer.isSynced);
    return peer;
  }

  leave(): void {
    for (const peer of this.#peers) peer.leave();
  }
}
