import { describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { encodeStructs } from '../../../sync-server/gate/update-structs.ts';
import { MAX_AHEAD_MS, MAX_ENTRY_BYTES, type PersonEntry } from '../../../sync-server/protocol/entry.ts';
import { entriesOf, readEntries, writeEntry } from '../../../sync-server/protocol/segment.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { GateRoom, refusalsOf, replicaOf, updateOf } from './gate-room.ts';

const ann = person('ann');
const bob = person('bob');
const boss = person('boss', 'owner');

/** A room in which ann wrote message 1 under client id 500. */
function roomWithMessage(): { room: GateRoom; doc: Y.Doc } {
  const room = new GateRoom();
  const doc = new Y.Doc();
  doc.clientID = 500;
  room.asPerson(
    ann,
    updateOf(doc, () => writeEntry(doc, message('ann', 1))),
  );
  return { room, doc };
}

const newEntry = (entry: PersonEntry, clientId?: number): Uint8Array => {
  const doc = new Y.Doc();
  if (clientId !== undefined) doc.clientID = clientId;
  return updateOf(doc, () => writeEntry(doc, entry));
};

const setting = (key: string, value: unknown): Uint8Array => {
  const doc = new Y.Doc();
  return updateOf(doc, () => entriesOf(doc).set(key, value));
};

describe('what enters', () => {
  test('[GA3] a new entry under its own id enters as it was written', () => {
    const { room } = roomWithMessage();
    expect(readEntries(room.doc)).toEqual([message('ann', 1)]);
  });

  test('[GA2] a replay changes nothing and is answered with what is known', () => {
    const { room, doc } = roomWithMessage();
    const verdict = room.asPerson(ann, Y.encodeStateAsUpdate(doc));
    expect(verdict).toEqual({ kind: 'known', known: new Map([[500, 1]]) });
    expect(room.entered).toHaveLength(1);
  });

  test('[GA2] an update that is half known gives only its new half', () => {
    const { room, doc } = roomWithMessage();
    writeEntry(doc, message('ann', 2));
    room.asPerson(ann, Y.encodeStateAsUpdate(doc));
    expect(entriesOf(room.doc).size).toBe(2);
    expect(Y.decodeUpdate(room.entered[1] ?? new Uint8Array()).structs).toHaveLength(1);
  });

  test('[GA6] two tabs of one person each write under their own client id', () => {
    const { room } = roomWithMessage();
    const other = replicaOf(room, 501);
    room.asPerson(
      ann,
      updateOf(other, () => writeEntry(other, message('ann', 2))),
    );
    expect([...room.owners]).toEqual([
      [500, 'ann'],
      [501, 'ann'],
    ]);
    expect(entriesOf(room.doc).size).toBe(2);
  });

  test('[GA6] on a device of two people each brings only what is their own', () => {
    const room = new GateRoom();
    const device = new Y.Doc();
    device.clientID = 600;
    writeEntry(device, message('ann', 1));
    room.asPerson(ann, Y.encodeStateAsUpdate(device));
    device.clientID = 601;
    writeEntry(device, message('bob', 2));
    device.clientID = 600;
    writeEntry(device, message('ann', 3));
    const verdict = room.asPerson(bob, Y.encodeStateAsUpdate(device));
    expect(verdict).toMatchObject({ kind: 'take', bind: [601] });
    expect(readEntries(room.doc).map(({ id }) => id)).toEqual([ulid(1), ulid(2)]);
    room.asPerson(ann, Y.encodeStateAsUpdate(device));
    expect(entriesOf(room.doc).size).toBe(3);
  });

  test('[GA5] a gap is dropped without penalty, and the same change enters once the hole is filled', () => {
    const room = new GateRoom();
    const doc = new Y.Doc();
    const first = updateOf(doc, () => writeEntry(doc, message('ann', 1)));
    const second = updateOf(doc, () => writeEntry(doc, message('ann', 2)));
    expect(room.asPerson(ann, second)).toEqual({ kind: 'gap' });
    room.asPerson(ann, first);
    room.asPerson(ann, second);
    expect(entriesOf(room.doc).size).toBe(2);
    expect(room.isPending).toBe(false);
  });

  test("[GA12] a person's deletions do not enter", () => {
    const { room, doc } = roomWithMessage();
    const update = updateOf(doc, () => entriesOf(doc).delete(ulid(1)));
    expect(room.asPerson(ann, update).kind).toBe('known');
    expect(entriesOf(room.doc).has(ulid(1))).toBe(true);
  });

  test('[GA12] an entry that comes with a delete set enters without it', () => {
    const { room } = roomWithMessage();
    const replica = replicaOf(room);
    const update = updateOf(replica, () => {
      writeEntry(replica, message('bob', 2));
      entriesOf(replica).delete(ulid(1));
    });
    room.asPerson(bob, update);
    expect([...entriesOf(room.doc).keys()].sort()).toEqual([ulid(1), ulid(2)]);
  });
});

describe('what is forged', () => {
  test('[GA3] overwriting an entry over its own is refused', () => {
    const { room, doc } = roomWithMessage();
    const update = updateOf(doc, () => writeEntry(doc, message('ann', 1, { body: 'other words' })));
    expect(room.asPerson(ann, update).kind).toBe('forged');
  });

  test("[GA3] [INV4] overwriting another's entry with an origin is refused", () => {
    const { room } = roomWithMessage();
    const replica = replicaOf(room);
    const update = updateOf(replica, () => writeEntry(replica, message('bob', 1)));
    expect(room.asPerson(bob, update).kind).toBe('forged');
  });

  test('[GA8] [INV4] overwriting with a higher client id and no origin is neutralised as a duplicate', () => {
    const { room } = roomWithMessage();
    const update = newEntry(message('bob', 1, { body: 'mine now' }), 4_000_000_000);
    expect(refusalsOf(room.asPerson(bob, update))).toEqual(['duplicate']);
    expect(readEntries(room.doc)).toEqual([message('ann', 1)]);
  });

  test('[GA4] a change that straddles the known clock is refused', () => {
    const { room } = roomWithMessage();
    const straddling = new Y.Item(
      Y.createID(500, 0),
      null,
      null,
      null,
      null,
      // reason: an item that is not integrated yet names its root where the type says AbstractType
      'entries' as unknown as Y.AbstractType<unknown>,
      ulid(9),
      new Y.ContentAny([message('ann', 1), message('ann', 9)]),
    );
    const update = encodeStructs(new Map([[500, [{ struct: straddling, offset: 0 }]]]), []);
    expect(room.asPerson(ann, update).kind).toBe('forged');
  });

  test('[GA3] two values in one change are refused', () => {
    const item = new Y.Item(
      Y.createID(7, 0),
      null,
      null,
      null,
      null,
      // reason: an item that is not integrated yet names its root where the type says AbstractType
      'entries' as unknown as Y.AbstractType<unknown>,
      ulid(1),
      new Y.ContentAny([message('ann', 1), message('ann', 1)]),
    );
    const update = encodeStructs(new Map([[7, [{ struct: item, offset: 0 }]]]), []);
    expect(new GateRoom().asPerson(ann, update).kind).toBe('forged');
  });

  test('[GA3] a hole in place of an entry is refused', () => {
    const update = encodeStructs(new Map([[7, [{ struct: new Y.GC(Y.createID(7, 0), 1), offset: 0 }]]]), []);
    expect(new GateRoom().asPerson(ann, update).kind).toBe('forged');
  });

  const foreign: Record<string, (doc: Y.Doc) => void> = {
    'another root': (doc) => doc.getMap('elsewhere').set(ulid(1), message('ann', 1)),
    'the live rows': (doc) => doc.getMap('live').set('row', message('ann', 1)),
    'a list in place of the map': (doc) => doc.getArray('entries').push([message('ann', 1)]),
    'a text in place of the map': (doc) => doc.getText('entries').insert(0, 'hello'),
    'a Y.Map': (doc) => entriesOf(doc).set(ulid(1), new Y.Map()),
    'a Y.Text': (doc) => entriesOf(doc).set(ulid(1), new Y.Text('x')),
    'an XML element': (doc) => entriesOf(doc).set(ulid(1), new Y.XmlElement('p')),
    'a document': (doc) => entriesOf(doc).set(ulid(1), new Y.Doc()),
    bytes: (doc) => entriesOf(doc).set(ulid(1), new Uint8Array([1])),
  };
  for (const [name, write] of Object.entries(foreign)) {
    test(`[GA3] ${name} is refused`, () => {
      const doc = new Y.Doc();
      const room = new GateRoom();
      expect(
        room.asPerson(
          ann,
          updateOf(doc, () => write(doc)),
        ).kind,
      ).toBe('forged');
      expect(room.entered).toEqual([]);
    });
  }

  test('[GA7] [INV4] an entry by another author is refused', () => {
    expect(new GateRoom().asPerson(bob, newEntry(message('ann', 1))).kind).toBe('forged');
  });

  test('[GA7] an entry under another key than its id is refused', () => {
    expect(new GateRoom().asPerson(ann, setting(ulid(2), message('ann', 1))).kind).toBe('forged');
  });

  test("[GA6] what comes under another's client id is passed over", () => {
    const { room } = roomWithMessage();
    const forger = replicaOf(room, 500);
    const update = updateOf(forger, () => writeEntry(forger, message('bob', 2)));
    expect(room.asPerson(bob, update)).toEqual({ kind: 'known', known: new Map() });
    expect(entriesOf(room.doc).size).toBe(1);
  });

  test("[GA6] the office's own client id is nobody's", () => {
    const room = new GateRoom();
    room.write((doc) => entriesOf(doc).set('r_x', 1));
    const forger = replicaOf(room, room.doc.clientID);
    const update = updateOf(forger, () => writeEntry(forger, message('bob', 2)));
    expect(room.asPerson(bob, update).kind).toBe('known');
  });
});

describe('what is neutralised', () => {
  test('[GA9] a refused entry leaves its clock, and a later one of the same device enters', () => {
    const room = new GateRoom();
    const doc = new Y.Doc();
    doc.clientID = 9;
    const update = updateOf(doc, () => {
      writeEntry(doc, message('ann', 1, { at: room.nowMs + MAX_AHEAD_MS + 1 }));
      writeEntry(doc, message('ann', 2));
    });
    expect(room.asPerson(ann, update)).toMatchObject({
      kind: 'take',
      saved: new Map([[9, 2]]),
      refusals: [{ entry: ulid(1), code: 'clock', client: 9, clock: 0 }],
    });
    room.asPerson(
      ann,
      updateOf(doc, () => writeEntry(doc, message('ann', 3))),
    );
    expect([...entriesOf(room.doc).keys()].sort()).toEqual([ulid(2), ulid(3)]);
    expect(room.isPending).toBe(false);
  });

  test('[GA10] an entry two minutes ahead enters, one beyond does not', () => {
    const room = new GateRoom();
    const at = room.nowMs + MAX_AHEAD_MS;
    expect(refusalsOf(room.asPerson(ann, newEntry(message('ann', 1, { at }))))).toEqual([]);
    expect(refusalsOf(room.asPerson(ann, newEntry(message('ann', 2, { at: at + 1 }))))).toEqual(['clock']);
  });

  test('[GA10] what is larger than an entry may be is refused by its size', () => {
    const value = { ...message('ann', 1), body: 'x'.repeat(MAX_ENTRY_BYTES) };
    expect(refusalsOf(new GateRoom().asPerson(ann, setting(ulid(1), value)))).toEqual(['size']);
  });

  const misshapen: Record<string, unknown> = {
    'an unknown kind': { ...message('ann', 1), kind: 'party' },
    'an office entry': { id: ulid(1), kind: 'notice', author: 'ann', at: 1, body: 'hello' },
    'a field too many': { ...message('ann', 1), admin: true },
    'an empty message': message('ann', 1, { body: '  ' }),
    'a bare string': 'hello',
    null: null,
    undefined: undefined,
    'a big integer': 10n,
    'a big integer inside': { ...message('ann', 1), at: 10n },
    'a fractional time': message('ann', 1, { at: 1.5 }),
  };
  for (const [name, value] of Object.entries(misshapen)) {
    test(`[GA10] ${name} is refused by its shape`, () => {
      expect(refusalsOf(new GateRoom().asPerson(ann, setting(ulid(1), value)))).toEqual(['shape']);
    });
  }

  test('[GA10] a value nested too deeply to be written as JSON is refused by its shape', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 6_000; depth++) value = [value];
    const room = new GateRoom();
    let verdict: string[];
    try {
      verdict = refusalsOf(room.asPerson(ann, setting(ulid(1), { ...message('ann', 1), mentions: value })));
    } catch (error) {
      // Where even decoding it is too much for the stack, the room closes the connection instead.
      expect(error).toBeInstanceOf(RangeError);
      return;
    }
    expect(verdict).toEqual(['shape']);
  });

  test('[GA10] an id that no device makes is refused by its shape, and a key that is no id is not repeated', () => {
    const key = `r_${'a'.repeat(27)}`;
    const room = new GateRoom();
    expect(room.asPerson(ann, setting(key, { ...message('ann', 1), id: key }))).toMatchObject({
      refusals: [{ entry: key, code: 'shape' }],
    });
    expect(room.asPerson(ann, setting('x'.repeat(1_000), message('ann', 1)))).toMatchObject({
      refusals: [{ entry: null, code: 'shape' }],
    });
  });

  test('[GA8] the same entry from a second device is as good as saved, and stands once', () => {
    const { room } = roomWithMessage();
    const verdict = room.asPerson(ann, newEntry(message('ann', 1), 77));
    expect(verdict).toMatchObject({ kind: 'take', saved: new Map([[77, 1]]), refusals: [], entries: [] });
    expect(readEntries(room.doc)).toEqual([message('ann', 1)]);
  });

  test('[GA8] an id twice in one update is taken once', () => {
    const one = new Y.Doc();
    const two = new Y.Doc();
    one.clientID = 1;
    two.clientID = 2;
    writeEntry(one, message('ann', 1, { body: 'one' }));
    writeEntry(two, message('ann', 1, { body: 'two' }));
    const update = Y.mergeUpdates([Y.encodeStateAsUpdate(one), Y.encodeStateAsUpdate(two)]);
    const room = new GateRoom();
    expect(refusalsOf(room.asPerson(ann, update))).toEqual(['duplicate']);
    expect(entriesOf(room.doc).size).toBe(1);
  });
});

describe('who may', () => {
  const common = (author: string, n: number) => ({ id: ulid(n), author, at: 2_000 + n });
  const edit = (author: string): PersonEntry => ({
    ...common(author, 20),
    kind: 'edit',
    target: ulid(1),
    body: 'better',
    mentions: [],
  });
  const retract = (author: string): PersonEntry => ({ ...common(author, 21), kind: 'retract', target: ulid(1) });
  const title = (author: string): PersonEntry => ({ ...common(author, 22), kind: 'title', title: 'New' });
  const react = (author: string): PersonEntry => ({
    ...common(author, 23),
    kind: 'react',
    target: ulid(1),
    emoji: '👍',
    on: true,
  });
  const stop = (author: string): PersonEntry => ({ ...common(author, 24), kind: 'stop', turn: ulid(1), attempt: 1 });
  const debate = (author: string): PersonEntry => ({
    ...common(author, 25),
    kind: 'debate',
    topic: 'What now?',
    preset: 'quick',
    seats: ['a', 'b'],
  });

  test("[GA11] a message is edited by its author and nobody else, the office's owner included", () => {
    const { room } = roomWithMessage();
    expect(refusalsOf(room.asPerson(boss, newEntry(edit('boss'))))).toEqual(['permission']);
    expect(refusalsOf(room.asPerson(bob, newEntry({ ...edit('bob'), id: ulid(30) })))).toEqual(['permission']);
    expect(refusalsOf(room.asPerson(ann, newEntry({ ...edit('ann'), id: ulid(31) })))).toEqual([]);
  });

  test("[GA11] a message is retracted by its author, the session's owner and the office's owner", () => {
    for (const [who, expected] of [
      [ann, []],
      [boss, []],
      [bob, ['permission']],
    ] as const) {
      const { room } = roomWithMessage();
      expect(refusalsOf(room.asPerson(who, newEntry(retract(who.id))))).toEqual(expected);
    }
    const { room } = roomWithMessage();
    room.grant = { ...room.grant, owner: 'bob' };
    expect(refusalsOf(room.asPerson(bob, newEntry(retract('bob'))))).toEqual([]);
  });

  test('[GA11] where there are earlier segments, a change may come before what it changes', () => {
    const room = new GateRoom();
    room.mayComeLater = true;
    expect(refusalsOf(room.asPerson(ann, newEntry(edit('ann'))))).toEqual([]);
    expect(refusalsOf(room.asPerson(ann, newEntry(retract('ann'))))).toEqual([]);
  });

  test('[GA11] what is not there can be neither edited nor retracted', () => {
    const room = new GateRoom();
    expect(refusalsOf(room.asPerson(ann, newEntry(edit('ann'))))).toEqual(['permission']);
    expect(refusalsOf(room.asPerson(boss, newEntry(retract('boss'))))).toEqual(['permission']);
  });

  test("[GA11] a title is the session owner's and the office owner's; everyone inside reacts and stops agents", () => {
    const { room } = roomWithMessage();
    expect(refusalsOf(room.asPerson(bob, newEntry(title('bob'))))).toEqual(['permission']);
    expect(refusalsOf(room.asPerson(ann, newEntry({ ...title('ann'), id: ulid(40) })))).toEqual([]);
    expect(refusalsOf(room.asPerson(bob, newEntry(react('bob'))))).toEqual([]);
    expect(refusalsOf(room.asPerson(bob, newEntry(stop('bob'))))).toEqual([]);
  });

  test('[GA11] a debate starts in a session of a council only', () => {
    const { room } = roomWithMessage();
    expect(refusalsOf(room.asPerson(bob, newEntry(debate('bob'))))).toEqual(['permission']);
    room.grant = { ...room.grant, scope: { type: 'council', id: 'finance' } };
    expect(refusalsOf(room.asPerson(bob, newEntry({ ...debate('bob'), id: ulid(50) })))).toEqual([]);
  });

  test('[GA13] into a private session only its owner and those invited write', () => {
    const { room } = roomWithMessage();
    room.grant = { ...room.grant, isPrivate: true, members: ['carol'] };
    expect(refusalsOf(room.asPerson(bob, newEntry(message('bob', 60))))).toEqual(['permission']);
    expect(refusalsOf(room.asPerson(boss, newEntry(message('boss', 61))))).toEqual(['permission']);
    expect(refusalsOf(room.asPerson(person('carol'), newEntry(message('carol', 62))))).toEqual([]);
    expect(refusalsOf(room.asPerson(ann, newEntry(message('ann', 63))))).toEqual([]);
  });

  test('[GA13] nobody writes into a session in the bin', () => {
    const { room } = roomWithMessage();
    room.grant = { ...room.grant, isBinned: true };
    for (const who of [ann, bob, boss]) {
      expect(refusalsOf(room.asPerson(who, newEntry(message(who.id, 70))))).toEqual(['permission']);
      room.owners.clear();
    }
  });
});
