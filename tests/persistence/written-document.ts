import * as Y from 'yjs';

/** A document that keeps every update it emits, as a room would log them. */
export class WrittenDocument {
  readonly doc: Y.Doc;
  readonly updates: Uint8Array[] = [];

  constructor(clientId: number) {
    this.doc = new Y.Doc();
    this.doc.clientID = clientId;
    this.doc.on('update', (update: Uint8Array) => this.updates.push(update));
  }

  /** Sets one entry and answers the update. */
  write(key: string, value: string = key): Uint8Array {
    this.doc.getMap('entries').set(key, value);
    const update = this.updates.at(-1);
    if (update === undefined) throw new Error('the document emitted nothing');
    return update;
  }

  entries(): Record<string, unknown> {
    return this.doc.getMap('entries').toJSON();
  }
}

/** The entries that a list of updates amounts to. */
export function entriesOf(updates: readonly Uint8Array[]): Record<string, unknown> {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  if (doc.store.pendingStructs !== null) throw new Error('the updates left structs pending');
  return doc.getMap('entries').toJSON();
}
