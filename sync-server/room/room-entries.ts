/** What the server itself writes into a segment: entries that came by HTTP, the office's own, and the ends of turns. */
import { judgeEntry } from '../gate/judge-entry.ts';
import type { Entry, PersonEntry, ReplyEntry } from '../protocol/entry.ts';
import { OfficeError } from '../protocol/errors.ts';
import type { NackCode } from '../protocol/frames.ts';
import type { Person } from '../protocol/principal.ts';
import { finishLiveRow, type LiveRow, liveOf, readLiveRow, writeEntry } from '../protocol/segment.ts';
import { unreachable } from '../protocol/unreachable.ts';
import type { ReplicaContext, RoomReplica } from './room-replica.ts';

/** Every write resolves when it is durable and projected, and rejects with an `OfficeError`. */
export class RoomEntries {
  readonly #replica: RoomReplica;
  readonly #context: ReplicaContext;

  constructor(replica: RoomReplica, context: ReplicaContext) {
    this.#replica = replica;
    this.#context = context;
  }

  /** The newest `at` of the session, in ms. */
  get newestAt(): number {
    return this.#replica.newestAt;
  }

  /** Whether the segment has ended; what is written now belongs into the next one. */
  get isSealed(): boolean {
    return this.#replica.tally.isSealed;
  }

  /** Whether the session has an entry of this id, in whichever segment. */
  has(id: string): boolean {
    return this.#replica.gate.find(id) !== undefined;
  }

  /** Adds an entry as a person, through the same gate as a browser's. */
  async appendAs(person: Person, makeEntry: (at: number) => PersonEntry): Promise<PersonEntry> {
    const replica = this.#replica;
    replica.assertWritable();
    const entry = makeEntry(replica.nextAt());
    const grant = this.#context.grantOf(replica.ref.sessionId);
    if (!grant) throw new OfficeError('unknown', 'no such session');
    const nowMs = this.#context.clock.now();
    const verdict = judgeEntry(person, entry.id, entry, {
      grant,
      nowMs,
      find: (id) => replica.gate.find(id),
      mayComeLater: (id) => replica.gate.mayComeLater(id),
      fits: (sizeBytes) => replica.gate.fits(1, sizeBytes),
    });
    switch (verdict.kind) {
      case 'take':
        await replica.write(() => writeEntry(replica.doc, verdict.entry), [verdict.entry]);
        return verdict.entry;
      case 'same':
        await replica.settled();
        return entry;
      case 'forged':
        throw new OfficeError('forged', verdict.reason);
      case 'refuse':
        throw refusalError(verdict.code);
      default:
        return unreachable(verdict);
    }
  }

  /** Adds an entry of the office's own; nothing is written where its id is taken. */
  async appendAsOffice(makeEntry: (at: number) => Entry): Promise<void> {
    const replica = this.#replica;
    const entry = makeEntry(replica.nextAt());
    if (this.has(entry.id)) await replica.settled();
    else await replica.write(() => writeEntry(replica.doc, entry), [entry]);
  }

  /** Writes a turn's terminal reply from its row as it stands, and deletes the row. */
  async finishTurn(
    rowId: string,
    makeReply: (row: LiveRow | null, at: number) => ReplyEntry,
  ): Promise<'written' | 'exists'> {
    const replica = this.#replica;
    replica.assertWritable();
    const reply = makeReply(readLiveRow(replica.doc, rowId), replica.nextAt());
    if (this.has(reply.id)) {
      await replica.settled();
      return 'exists';
    }
    await replica.write(() => finishLiveRow(replica.doc, rowId, reply), [reply]);
    return 'written';
  }

  /** Deletes a row that nobody writes any more. Answers its text so far; '' where there is none. */
  async dropRow(rowId: string): Promise<string> {
    const { doc } = this.#replica;
    const row = readLiveRow(doc, rowId);
    if (!liveOf(doc).has(rowId)) return '';
    await this.#replica.write(() => liveOf(doc).delete(rowId), []);
    return row?.text ?? '';
  }

  /** A client id under which nobody ever wrote here. */
  reserveClientId(): number {
    for (;;) {
      const [client = 0] = crypto.getRandomValues(new Uint32Array(1));
      if (client !== 0 && this.#replica.gate.isFresh(client)) return client;
    }
  }
}

function refusalError(code: NackCode): OfficeError {
  switch (code) {
    case 'permission':
      return new OfficeError('forbidden', 'you may not do this in this session');
    case 'duplicate':
      return new OfficeError('conflict', 'another entry has this id already');
    case 'sealed':
      return new OfficeError('restarting', 'this part of the session has ended; try again', { retryAfterSeconds: 1 });
    case 'size':
      return new OfficeError('too_large', 'the entry is too large');
    case 'clock':
    case 'shape':
      return new OfficeError('bad_request', `the entry was not taken: ${code}`);
    default:
      return unreachable(code);
  }
}
