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
import { mutate } from '../support/mutated-frames.ts';
import type { Below } from './written-entries.ts';

/** Client ids that hostile changes are written under: few, so that they meet. */
const CLIENTS = 12;
const ROOTS = [ENTRIES, LIVE, 'root', '', 'elsewhere'] as const;
/** Changes of one hostile document. */
const MAX_CHANGES = 8;
/** Client ids of two devices that edit a brief honestly, from here on. */
const EDITORS_FIRST = 500;
/** Two others take over when their brief has grown so far. */
const MAX_EDITED_BYTES = 1_500;

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

/** Frames without end that follow from `below`: forged with care, or what honest devices send, often with bytes changed. */
export function* hostileFrames(author: string, below: Below): Generator<Uint8Array, never> {
  let editorId = EDITORS_FIRST;
  let editors = [openBrief(editorId++), openBrief(editorId++)] as const;
  for (;;) {
    const envelope = below(2) === 0 ? writeUpdate : writeStep2;
    const kind = below(8);
    if (kind < 2) {
      const edited = editTogether(editors, below);
      if (edited.byteLength > MAX_EDITED_BYTES) editors = [openBrief(editorId++), openBrief(editorId++)];
      yield envelope(edited);
    } else if (kind < 4) yield envelope(forgedUpdate(author, below));
    // Changed within the frame, so that it is not the frame that is refused.
    else if (kind < 6) yield envelope(mutate(forgedUpdate(author, below), below));
    else yield below(2) === 0 ? otherFrame(author, below) : mutate(otherFrame(author, below), below);
  }
}

function openBrief(clientId: number): Y.Doc {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  return doc;
}

/** Two devices edit a brief as its people do, and meet now and then. Answers all that one of them holds. */
function editTogether([one, two]: readonly [Y.Doc, Y.Doc], below: Below): Uint8Array {
  const doc = below(2) === 0 ? one : two;
  if (below(6) === 0) {
    Y.applyUpdate(one, Y.encodeStateAsUpdate(two));
    Y.applyUpdate(two, Y.encodeStateAsUpdate(one));
  }
  const root = doc.get('root', Y.XmlText);
  const first: unknown = root.toDelta()[0]?.insert;
  if (!(first instanceof Y.XmlText) || below(40) === 0) root.insertEmbed(0, new Y.XmlText('a paragraph'));
  else if (below(3) === 0) first.insert(below(first.length + 1), 'more');
  else if (first.length > 20 || below(3) === 0)
    first.delete(below(Math.max(1, first.length - 3)), Math.min(3, first.length));
  else if (first.length > 3) first.format(below(first.length - 2), 2, { bold: below(2) === 0 ? true : null });
  return Y.encodeStateAsUpdate(doc);
}

function otherFrame(author: string, below: Below): Uint8Array {
  const kind = below(4);
  if (kind === 0) return writeStep1(Y.encodeStateVectorFromUpdate(forgedUpdate(author, below)));
  if (kind === 1) return writeReceipt(new Map([[below(CLIENTS), below(1000)]]));
  if (kind === 2) return Uint8Array.from([below(256), below(256), FRAME.queryAwareness]);
  const states = Array.from({ length: below(5) }, () => ({
    client: below(CLIENTS),
    clock: below(1000),
    state: below(2) === 0 ? 'null' : JSON.stringify({ isTyping: below(2) === 0, deep: nested(below(50)) }),
  }));
  return writeAwareness(states);
}
