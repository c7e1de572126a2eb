import * as decoding from 'lib0/decoding';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import {
  decodeAwareness,
  encodeAwareness,
  FRAME,
  MAX_AWARENESS_STATES,
  readPeerFrame,
  readReceipt,
  writeAwareness,
  writeHello,
  writeNack,
  writeReceipt,
  writeStep1,
  writeStep2,
  writeUpdate,
} from '../../sync-server/protocol/frames.ts';
import { entriesOf, readEntries } from '../../sync-server/protocol/segment.ts';
import { message, ulid } from '../support/entries.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = Uint8Array.of(1, 2, 3);

test('[FR2] frames have these bytes', () => {
  expect(hex(writeStep1(bytes))).toBe('000003010203');
  expect(hex(writeStep2(bytes))).toBe('000103010203');
  expect(hex(writeUpdate(bytes))).toBe('000203010203');
  expect(hex(writeAwareness([{ client: 5, clock: 2, state: 'null' }]))).toBe('0108010502046e756c6c');
  expect(hex(writeReceipt(new Map([[300, 7]])))).toBe('6501ac0207');
  expect(hex(writeHello({ protocol: 1, time: 1, epoch: 'e', principal: 'p' })).slice(0, 2)).toBe('64');
  expect(hex(writeNack({ entry: null, code: 'clock', time: 1, client: 1, clock: 1 })).slice(0, 2)).toBe('66');
});

test('[FR2] what is written is read', () => {
  expect(readPeerFrame(writeStep1(bytes))).toEqual({ kind: 'step1', stateVector: bytes });
  expect(readPeerFrame(writeStep2(bytes))).toEqual({ kind: 'update', isStep2: true, update: bytes });
  expect(readPeerFrame(writeUpdate(bytes))).toEqual({ kind: 'update', isStep2: false, update: bytes });
  const states = [{ client: 5, clock: 2, state: '{"isTyping":true}' }];
  expect(readPeerFrame(writeAwareness(states))).toEqual({ kind: 'awareness', states });
  expect(readPeerFrame(Uint8Array.of(FRAME.queryAwareness))).toEqual({ kind: 'query-awareness' });
  const decoder = decoding.createDecoder(writeReceipt(new Map([[300, 7]])));
  expect(decoding.readVarUint(decoder)).toBe(FRAME.receipt);
  expect(readReceipt(decoder)).toEqual(new Map([[300, 7]]));
});

test('[FR1] bytes that are no frame throw, and too many states are too many', () => {
  for (const broken of [[], [0], [0, 0], [0, 7, 0], [0, 0, 5, 1], [1, 3, 1]]) {
    expect(() => readPeerFrame(Uint8Array.from(broken))).toThrow();
  }
  const crowd = Array.from({ length: MAX_AWARENESS_STATES + 1 }, (_, client) => ({ client, clock: 1, state: '{}' }));
  expect(() => decodeAwareness(encodeAwareness(crowd))).toThrow(RangeError);
});

test('[INV9] frame types and kinds of entries that this version does not know are passed over', () => {
  expect(readPeerFrame(Uint8Array.of(120, 1, 2, 3))).toEqual({ kind: 'unknown' });
  const doc = new Y.Doc();
  entriesOf(doc).set(ulid(1), message('ann', 1));
  entriesOf(doc).set(ulid(2), { ...message('ann', 2), kind: 'hologram' });
  expect(readEntries(doc)).toEqual([message('ann', 1)]);
});
