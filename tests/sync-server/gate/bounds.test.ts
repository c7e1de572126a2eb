import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { MAX_BRIEF_BYTES } from '../../../sync-server/gate/gate-brief.ts';
import { MAX_BODY_CHARS, MAX_ENTRY_BYTES, type PersonEntry } from '../../../sync-server/protocol/entry.ts';
import { entriesOf, writeEntry } from '../../../sync-server/protocol/segment.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { GateRoom, refusalsOf, updateOf } from './gate-room.ts';

const ann = person('ann');

/** A message of exactly this many bytes as JSON. */
function messageOf(sizeBytes: number): PersonEntry {
  const body = '€'.repeat(MAX_BODY_CHARS);
  const mentions = Array.from({ length: 50 }, () => ({ type: 'person' as const, id: 'a' }));
  for (const mention of mentions) {
    const missing = sizeBytes - Buffer.byteLength(JSON.stringify(message('ann', 1, { body, mentions })));
    mention.id += 'a'.repeat(Math.min(119, Math.max(0, missing)));
  }
  return message('ann', 1, { body, mentions });
}

const writing = (entry: PersonEntry): Uint8Array => {
  const doc = new Y.Doc();
  return updateOf(doc, () => writeEntry(doc, entry));
};

test('[GA10] an entry of 64 KiB enters, and one byte more is refused by its size', () => {
  const [fits, beyond] = [messageOf(MAX_ENTRY_BYTES), messageOf(MAX_ENTRY_BYTES + 1)];
  expect(Buffer.byteLength(JSON.stringify(fits))).toBe(MAX_ENTRY_BYTES);
  expect(Buffer.byteLength(JSON.stringify(beyond))).toBe(MAX_ENTRY_BYTES + 1);
  const room = new GateRoom();
  expect(refusalsOf(room.asPerson(ann, writing(fits)))).toEqual([]);
  expect(entriesOf(room.doc).has(ulid(1))).toBe(true);
  expect(refusalsOf(new GateRoom().asPerson(ann, writing(beyond)))).toEqual(['size']);
});

test('[GA19] a brief takes what fills it to the last byte, and not one more', () => {
  const doc = new Y.Doc();
  const update = updateOf(doc, () => doc.get('root', Y.XmlText).insert(0, 'x'));
  const verdict = new GateRoom().asEditor(ann, update);
  const sizeBytes = verdict.kind === 'take' ? verdict.update.byteLength : 0;
  expect(sizeBytes).toBeGreaterThan(0);
  expect(new GateRoom().asEditor(ann, update, MAX_BRIEF_BYTES - sizeBytes).kind).toBe('take');
  expect(new GateRoom().asEditor(ann, update, MAX_BRIEF_BYTES - sizeBytes + 1).kind).toBe('forged');
});
