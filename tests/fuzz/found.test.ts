// What fuzzing found, each as a test of its own.
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { briefName } from '../../sync-server/protocol/document-name.ts';
import { writeUpdate } from '../../sync-server/protocol/frames.ts';
import { hasPending, loadDocument } from '../../sync-server/room/room-document.ts';
import { person, ulid } from '../support/entries.ts';
import { ListeningPeer, openRooms } from '../support/rooms-in-memory.ts';

const paragraphOf = (doc: Y.Doc): Y.XmlText => {
  const first: unknown = doc.get('root', Y.XmlText).toDelta()[0]?.insert;
  if (!(first instanceof Y.XmlText)) throw new Error('a brief without a paragraph');
  return first;
};

test('[INV1] [INV2] [INV3] where Yjs tidies up after a change to a brief, the change is logged and shown with what was tidied', async () => {
  const { rooms, log } = openRooms();
  const name = briefName(ulid(1));
  const [ann, bob, reader] = ['ann', 'bob', 'cy'].map((id) => new ListeningPeer(person(id)));
  if (!ann || !bob || !reader) throw new Error('three people');
  const room = await rooms.join(name, ann);
  for (const peer of [bob, reader]) room.join(peer);
  const [one, two] = [new Y.Doc(), new Y.Doc()];
  one.get('root', Y.XmlText).insertEmbed(0, new Y.XmlText('everything'));
  room.receive(ann, writeUpdate(Y.encodeStateAsUpdate(one)));
  Y.applyUpdate(two, Y.encodeStateAsUpdate(one));
  // A letter is made bold by one device while another deletes it: what is left are marks around nothing.
  paragraphOf(one).format(2, 1, { bold: true });
  paragraphOf(two).delete(2, 1);
  room.receive(ann, writeUpdate(Y.encodeStateAsUpdate(one)));
  room.receive(bob, writeUpdate(Y.encodeStateAsUpdate(two)));
  paragraphOf(two).insert(0, 'nearly ');
  room.receive(bob, writeUpdate(Y.encodeStateAsUpdate(two)));
  await rooms.drain();
  const { doc, damage } = await loadDocument(log, name);
  expect(damage).toBeNull();
  expect(hasPending(doc)).toBe(false);
  expect(paragraphOf(doc).toString()).toBe('nearly evrything');
});
