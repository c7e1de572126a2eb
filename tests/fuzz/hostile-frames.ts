import * as Y from 'yjs';
import {
  FRAME,
  writeAwareness,
  writeReceipt,
  writeStep1,
  writeStep2,
  writeUpdate,
} from '../../sync-server/protocol/frames.ts';
import { createLiveRow, ENTRIES, LIVE, rowIdOf, writeEntry } from '../../sync-server/protocol/segment.ts';
import { message, ulid } from '../support/entries.ts';
import { mutate, seedFrames } from '../support/mutated-frames.ts';
import type { Below } from './written-entries.ts';

/** Client ids that hostile changes are written under: few, so that they meet. */
const CLIENTS = 12;
const ROOTS = [ENTRIES, LIVE, 'root', '', 'elsewhere'] as const;
/** Changes of one hostile document. */
const MAX_CHANGES = 8;

/** Documents of every type that Yjs has, under client ids that meet, as whole updates, late parts, and merges. */
function forgedUpdate(author: string, below: Below): Uint8Array {
  const doc = new Y.Doc({ gc: below(2) === 0 });
  doc.clientID = below(CLIENTS) + (below(8) === 0 ? 2 ** 31 : 1);
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  for (let left = 1 + below(MAX_CHANGES); left > 0; left--) change(doc, author, below);
  const some = updates.slice(below(updates.length + 1));
  const update = some.length > 0 ? Y.mergeUpdates(some) : Y.encodeStateAsUpdate(doc);
  doc.destroy();
  return update;
}

function change(doc: Y.Doc, author: string, below: Below): void {
  const root = ROOTS[below(ROOTS.length)] ?? ENTRIES;
  // A root has one type in one document; the next document has another.
  const isMap = (doc.clientID + root.length) % 2 === 0 || root === ENTRIES || root === LIVE;
  if (!isMap) {
    const text = doc.get(root, Y.XmlText);
    if (below(3) === 0 && text.length > 0) text.delete(below(text.length), 1);
    else if (below(3) === 0) text.insertEmbed(0, below(2) === 0 ? new Y.XmlText('in') : { depth: below(9) });
    else text.insert(below(text.length + 1), 'hostile'.repeat(1 + below(20)), below(2) === 0 ? { bold: true } : {});
    return;
  }
  const map = doc.getMap(root);
  const key = ulid(below(40));
  const kind = below(9);
  if (kind < 3) writeEntry(doc, message(author, below(40)));
  else if (kind === 3) map.delete(key);
  else if (kind === 4) map.set(key, new Y.Array());
  else if (kind === 5) map.set(key, new Y.Doc());
  else if (kind === 6) map.set(key, BigInt(below(1000)));
  else if (kind === 7) map.set(key, nested(below(60)));
  else rowOf(doc, below);
}

function rowOf(doc: Y.Doc, below: Below): void {
  const turn = ulid(below(20));
  const fields = { turn, attempt: 1, agent: 'daena', cause: ulid(1), step: 'answer' as const, at: 5, model: 'm' };
  const { text } = createLiveRow(doc, { ...fields, isRehearsed: false });
  text.insert(0, rowIdOf(turn, 1));
}

function nested(depth: number): unknown {
  let value: unknown = 'core';
  for (let left = depth; left > 0; left--) value = left % 2 === 0 ? [value] : { inner: value };
  return value;
}

/** Frames without end that follow from `below`: forged with care, or honest ones of this author with bytes changed. */
export function* hostileFrames(author: string, below: Below): Generator<Uint8Array, never> {
  const honest = seedFrames(author);
  for (;;) {
    const frame = below(4) === 0 ? honest[below(honest.length)] : forged(author, below);
    if (frame) yield below(3) === 0 ? frame : mutate(frame, below);
  }
}

function forged(author: string, below: Below): Uint8Array {
  const kind = below(12);
  if (kind < 5) return writeUpdate(forgedUpdate(author, below));
  if (kind < 8) return writeStep2(forgedUpdate(author, below));
  if (kind === 8) return writeStep1(Y.encodeStateVectorFromUpdate(forgedUpdate(author, below)));
  if (kind === 9) return writeReceipt(new Map([[below(CLIENTS), below(1000)]]));
  if (kind === 10) return Uint8Array.from([below(256), below(256), FRAME.queryAwareness]);
  const states = Array.from({ length: below(5) }, () => ({
    client: below(CLIENTS),
    clock: below(1000),
    state: below(2) === 0 ? 'null' : JSON.stringify({ isTyping: below(2) === 0, deep: nested(below(50)) }),
  }));
  return writeAwareness(states);
}
