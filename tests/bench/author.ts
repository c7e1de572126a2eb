import { randomBytes } from 'node:crypto';
import * as Y from 'yjs';
import { makeUlid, ULID_RANDOM_BYTES } from '../../sync-server/protocol/ids.ts';
import { writeEntry } from '../../sync-server/protocol/segment.ts';

/** About what people write in one message. */
const BODY = 'The delivery for Thursday is confirmed; who can be there at nine to sign for it?';

/** A device that wrote messages beforehand: each is one update, and the same bytes go to every server. */
export class Author {
  readonly #doc = new Y.Doc();
  readonly #person: string;

  constructor(person: string) {
    this.#person = person;
  }

  get clientId(): number {
    return this.#doc.clientID;
  }

  /** The next messages, one update each, in order. */
  write(count: number): Uint8Array[] {
    const updates: Uint8Array[] = [];
    const keep = (update: Uint8Array): void => void updates.push(update);
    this.#doc.on('update', keep);
    for (let i = 0; i < count; i++) this.#writeOne();
    this.#doc.off('update', keep);
    return updates;
  }

  /** The next messages as one update. */
  writeAtOnce(count: number): Uint8Array {
    const known = Y.encodeStateVector(this.#doc);
    this.#doc.transact(() => {
      for (let i = 0; i < count; i++) this.#writeOne();
    });
    return Y.encodeStateAsUpdate(this.#doc, known);
  }

  #writeOne(): void {
    const at = Date.now();
    const id = makeUlid(at, randomBytes(ULID_RANDOM_BYTES));
    writeEntry(this.#doc, { id, kind: 'message', author: this.#person, at, body: BODY, mentions: [] });
  }
}
