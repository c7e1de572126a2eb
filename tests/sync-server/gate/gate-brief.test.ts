import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { MAX_BRIEF_BYTES } from '../../../sync-server/gate/gate-brief.ts';
import { encodeStructs, type WrittenStruct } from '../../../sync-server/gate/update-structs.ts';
import { person } from '../../support/entries.ts';
import { GateRoom, replicaOf, updateOf } from './gate-room.ts';

const ann = person('ann');
const bob = person('bob');
const rootOf = (doc: Y.Doc): Y.XmlText => doc.get('root', Y.XmlText);

/** What Lexical's binding writes: a paragraph, and text in it. */
function paragraph(doc: Y.Doc, text: string): Y.XmlText {
  const element = new Y.XmlText();
  rootOf(doc).insertEmbed(rootOf(doc).length, element);
  element.setAttribute('__type', 'paragraph');
  element.insert(0, text);
  return element;
}

const item = (client: number, clock: number, origin: Y.ID): WrittenStruct => ({
  struct: new Y.Item(Y.createID(client, clock), null, origin, null, null, null, null, new Y.ContentString('x')),
  offset: 0,
});

test('[GA19] two people edit, format and delete in one brief, and both see the same', () => {
  const room = new GateRoom();
  const one = new Y.Doc();
  expect(
    room.asEditor(
      ann,
      updateOf(one, () => void paragraph(one, 'hello world')),
    ).kind,
  ).toBe('take');
  const two = replicaOf(room);
  const update = updateOf(two, () => {
    const first = rootOf(two).toDelta()[0]?.insert;
    if (!(first instanceof Y.XmlText)) throw new Error('the paragraph is not there');
    first.delete(0, 6);
    first.format(0, 5, { bold: true });
    paragraph(two, 'more');
  });
  expect(room.asEditor(bob, update).kind).toBe('take');
  Y.applyUpdate(one, Y.encodeStateAsUpdate(room.doc));
  expect(rootOf(one).toString()).toBe(rootOf(two).toString());
  expect(room.isPending).toBe(false);
});

test('[GA19] another root and a document within the document are refused', () => {
  const room = new GateRoom();
  const doc = new Y.Doc();
  expect(
    room.asEditor(
      ann,
      updateOf(doc, () => doc.getText('elsewhere').insert(0, 'x')),
    ).kind,
  ).toBe('forged');
  const other = new Y.Doc();
  expect(
    room.asEditor(
      ann,
      updateOf(other, () => other.getMap('root').set('x', new Y.Doc())),
    ).kind,
  ).toBe('forged');
});

test('[GA19] a reference to what is not there is a gap, and one that runs in a circle never enters', () => {
  const room = new GateRoom();
  const missing = encodeStructs(new Map([[7, [item(7, 0, Y.createID(99, 3))]]]), []);
  expect(room.asEditor(ann, missing).kind).toBe('gap');
  const itself = encodeStructs(new Map([[7, [item(7, 0, Y.createID(7, 0))]]]), []);
  expect(room.asEditor(ann, itself).kind).toBe('gap');
  const circle = new Map([
    [7, [item(7, 0, Y.createID(8, 0))]],
    [8, [item(8, 0, Y.createID(7, 0))]],
  ]);
  expect(room.asEditor(ann, encodeStructs(circle, [])).kind).toBe('gap');
  expect(room.entered).toEqual([]);
});

test('[GA19] two tabs whose edits build on each other enter in one update', () => {
  const room = new GateRoom();
  const one = new Y.Doc();
  one.clientID = 10;
  const element = paragraph(one, 'a');
  const two = new Y.Doc();
  Y.applyUpdate(two, Y.encodeStateAsUpdate(one));
  two.clientID = 5;
  paragraph(two, 'b');
  Y.applyUpdate(one, Y.encodeStateAsUpdate(two));
  element.insert(1, 'c');
  paragraph(one, 'd');
  expect(room.asEditor(ann, Y.encodeStateAsUpdate(one))).toMatchObject({ kind: 'take', bind: [10, 5] });
  expect(rootOf(room.doc).toString()).toBe(rootOf(one).toString());
});

test('[GA6] what others wrote is passed over, what is known is skipped', () => {
  const room = new GateRoom();
  const doc = new Y.Doc();
  const update = updateOf(doc, () => void paragraph(doc, 'x'));
  room.asEditor(ann, update);
  expect(room.asEditor(bob, update)).toEqual({ kind: 'known', known: new Map() });
  expect(room.asEditor(ann, update).kind).toBe('known');
});

test('[GA19] deletions beyond what exists are cut', () => {
  const room = new GateRoom();
  const doc = new Y.Doc();
  room.asEditor(
    ann,
    updateOf(doc, () => void paragraph(doc, 'x')),
  );
  room.asEditor(bob, encodeStructs(new Map(), [{ client: doc.clientID, clock: 0, length: 10_000 }]));
  expect(room.isPending).toBe(false);
});

test('[GA19] a brief that is full takes no more', () => {
  const doc = new Y.Doc();
  const update = updateOf(doc, () => void paragraph(doc, 'x'));
  expect(new GateRoom().asEditor(ann, update, MAX_BRIEF_BYTES).kind).toBe('forged');
});
