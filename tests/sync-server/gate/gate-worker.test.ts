import { describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { encodeStructs } from '../../../sync-server/gate/update-structs.ts';
import type { LeaseGrant } from '../../../sync-server/leases.ts';
import { MAX_AHEAD_MS, type ReplyEntry } from '../../../sync-server/protocol/entry.ts';
import { deriveId } from '../../../sync-server/protocol/ids.ts';
import {
  createLiveRow,
  entriesOf,
  finishLiveRow,
  type LiveRowFields,
  liveOf,
  readLiveRow,
  rowIdOf,
  writeEntry,
} from '../../../sync-server/protocol/segment.ts';
import { message, person, ulid } from '../../support/entries.ts';
import { GateRoom, replicaOf, updateOf } from './gate-room.ts';

const turn = deriveId('reply', 'one');
const lease: LeaseGrant = {
  turn,
  attempt: 1,
  document: `session/${ulid(1)}/1`,
  clientId: 4_000,
  rowId: rowIdOf(turn, 1),
  agent: 'daena',
  step: 'answer',
  cause: ulid(1),
};
const fields: LiveRowFields = {
  turn,
  attempt: 1,
  agent: 'daena',
  cause: ulid(1),
  step: 'answer',
  at: 2_000,
  model: 'small',
  isRehearsed: false,
};
const reply: ReplyEntry = {
  id: turn,
  kind: 'reply',
  author: 'daena',
  at: 2_000,
  cause: ulid(1),
  step: 'answer',
  attempt: 1,
  outcome: 'done',
  body: 'an answer',
};

/** A room with ann's message, and a worker's replica of it under the lease's client id. */
function leased(): { room: GateRoom; doc: Y.Doc } {
  const room = new GateRoom();
  const ann = new Y.Doc();
  room.asPerson(
    person('ann'),
    updateOf(ann, () => writeEntry(ann, message('ann', 1))),
  );
  return { room, doc: replicaOf(room, lease.clientId) };
}

describe('what a lease allows', () => {
  test('[GA14] the row of the lease is streamed, finished and gone, and its reply stands', () => {
    const { room, doc } = leased();
    const start = Y.encodeStateVector(doc);
    const { text } = createLiveRow(doc, fields);
    const created = room.asWorker(lease, Y.encodeStateAsUpdate(doc, start));
    expect(created).toMatchObject({ kind: 'take', bind: [lease.clientId] });
    for (const word of ['an', ' answer']) {
      const update = updateOf(doc, () => text.insert(text.length, word));
      expect(room.asWorker(lease, update).kind).toBe('take');
    }
    expect(readLiveRow(room.doc, lease.rowId)?.text).toBe('an answer');
    const finished = room.asWorker(
      lease,
      updateOf(doc, () => finishLiveRow(doc, lease.rowId, reply)),
    );
    expect(finished).toMatchObject({ kind: 'take', entries: [reply] });
    expect(liveOf(room.doc).size).toBe(0);
    expect(entriesOf(room.doc).get(turn)).toEqual(reply);
    expect(room.isPending).toBe(false);
  });

  test('[GA17] a stream that goes on after a reconnect straddles what is known, and is taken from there', () => {
    const { room, doc } = leased();
    const start = Y.encodeStateVector(doc);
    const { text } = createLiveRow(doc, fields);
    text.insert(0, 'hello');
    room.asWorker(lease, Y.encodeStateAsUpdate(doc, start));
    text.insert(5, ' world');
    // The whole row again, as an answer to an old state vector: its text is one struct now.
    const verdict = room.asWorker(lease, Y.encodeStateAsUpdate(doc, start));
    expect(verdict.kind).toBe('take');
    expect(readLiveRow(room.doc, lease.rowId)?.text).toBe('hello world');
    expect(room.isPending).toBe(false);
    expect(room.asWorker(lease, Y.encodeStateAsUpdate(doc, start)).kind).toBe('known');
  });

  test('[GA16] structs and deletions of others in a handshake are passed over', () => {
    const { room, doc } = leased();
    entriesOf(doc).delete(ulid(1));
    createLiveRow(doc, fields);
    expect(room.asWorker(lease, Y.encodeStateAsUpdate(doc)).kind).toBe('take');
    expect(entriesOf(room.doc).has(ulid(1))).toBe(true);
    expect(liveOf(room.doc).has(lease.rowId)).toBe(true);
  });

  test('[GA16] own deletions are cut at what exists', () => {
    const { room, doc } = leased();
    room.asWorker(
      lease,
      updateOf(doc, () => createLiveRow(doc, fields)),
    );
    const end = Y.getState(room.doc.store, lease.clientId);
    const beyond = encodeStructs(new Map(), [{ client: lease.clientId, clock: 0, length: end + 1_000 }]);
    expect(room.asWorker(lease, beyond).kind).toBe('take');
    expect(room.isPending).toBe(false);
    expect(liveOf(room.doc).size).toBe(0);
  });

  test('[GA5] a gap under a lease is dropped, and asked for', () => {
    const { room, doc } = leased();
    const { text } = createLiveRow(doc, fields);
    expect(
      room.asWorker(
        lease,
        updateOf(doc, () => text.insert(0, 'x')),
      ),
    ).toEqual({ kind: 'gap' });
  });
});

describe('what a lease does not allow', () => {
  const refused = (write: (doc: Y.Doc) => void): string => {
    const { room, doc } = leased();
    return room.asWorker(
      lease,
      updateOf(doc, () => write(doc)),
    ).kind;
  };

  test('[GA14] another row', () => {
    expect(refused((doc) => createLiveRow(doc, { ...fields, attempt: 2 }))).toBe('forged');
  });

  test('[GA14] another root, and content that no row holds', () => {
    expect(refused((doc) => doc.getMap('elsewhere').set('a', 1))).toBe('forged');
    expect(refused((doc) => liveOf(doc).set(lease.rowId, new Y.Doc()))).toBe('forged');
    expect(refused((doc) => liveOf(doc).set(lease.rowId, new Uint8Array([1])))).toBe('forged');
  });

  test("[GA14] another agent's row", () => {
    const { room } = leased();
    const other = { ...lease, clientId: 4_001, rowId: 'other.1' };
    const row = replicaOf(room, other.clientId);
    room.asWorker(
      other,
      updateOf(row, () => {
        const map = new Y.Map<unknown>();
        liveOf(row).set('other.1', map);
        map.set('text', new Y.Text('mine'));
      }),
    );
    const doc = replicaOf(room, lease.clientId);
    const update = updateOf(doc, () => {
      const foreign = liveOf(doc).get('other.1');
      if (foreign instanceof Y.Map) foreign.set('text', 'yours');
    });
    expect(room.asWorker(lease, update).kind).toBe('forged');
  });

  test("[GA15] a message, another turn's reply, and a reply that differs from the lease", () => {
    expect(refused((doc) => writeEntry(doc, message('daena', 5)))).toBe('forged');
    const different: Partial<ReplyEntry>[] = [
      { id: deriveId('reply', 'two') },
      { author: 'finance/synth' },
      { cause: ulid(9) },
      { step: 'note' },
      { attempt: 2 },
      { outcome: 'failed' },
      { at: 1_000_000 + MAX_AHEAD_MS + 1 },
    ];
    for (const change of different) expect(refused((doc) => writeEntry(doc, { ...reply, ...change }))).toBe('forged');
    expect(refused((doc) => entriesOf(doc).set(ulid(3), reply))).toBe('forged');
  });

  test('[GA15] a second reply of the same turn', () => {
    const { room, doc } = leased();
    room.write((office) => writeEntry(office, { ...reply, outcome: 'stopped' }));
    const verdict = room.asWorker(
      lease,
      updateOf(doc, () => writeEntry(doc, reply)),
    );
    expect(verdict.kind).toBe('over');
  });

  test('[GA14] a reference to what it has not written yet', () => {
    const { room } = leased();
    const item = new Y.Item(
      Y.createID(lease.clientId, 0),
      null,
      Y.createID(lease.clientId, 5),
      null,
      null,
      null,
      null,
      new Y.ContentString('x'),
    );
    const update = encodeStructs(new Map([[lease.clientId, [{ struct: item, offset: 0 }]]]), []);
    expect(room.asWorker(lease, update).kind).toBe('forged');
  });

  test('[GA6] under another client id nothing of it enters', () => {
    const { room } = leased();
    const doc = replicaOf(room, 4_999);
    expect(
      room.asWorker(
        lease,
        updateOf(doc, () => createLiveRow(doc, fields)),
      ).kind,
    ).toBe('known');
    expect(liveOf(room.doc).size).toBe(0);
  });
});
