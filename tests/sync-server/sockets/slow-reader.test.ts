import { expect, test } from 'vitest';
import type WebSocket from 'ws';
import * as Y from 'yjs';
import { writeStep1 } from '../../../sync-server/protocol/frames.ts';
import { readRetryHint } from '../../../sync-server/protocol/retry-hint.ts';
import { BEHIND_BUFFER_BYTES, MAX_BEHIND_MS } from '../../../sync-server/room/slow-reader.ts';
import { openHeldOffice } from '../../support/office-in-process.ts';
import { connect, type OfficePeer } from '../../support/office-peer.ts';
import { addMember } from '../../support/office-people.ts';
import { until } from '../../support/until.ts';

/** A brief of about this size: asking for it a few times fills whatever lies between a server and its reader. */
const BRIEF_BYTES = 2 * 1024 * 1024;
const EDITS = 50;

const rootOf = (doc: Y.Doc): Y.XmlText => doc.get('root', Y.XmlText);
const textOf = (peer: OfficePeer): string => rootOf(peer.doc).toString();

// reason: the socket is ws's, which can stop reading
const socketOf = (peer: OfficePeer): WebSocket => peer.provider.ws as unknown as WebSocket;

/** A person who writes a brief, and another whose device stopped reading so that over a MiB waits for it. */
async function officeWithStuckReader() {
  const office = await openHeldOffice();
  const { caller } = office.owner;
  const bob = await addMember(caller, 'bob');
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const { brief } = session.documents;
  const writer = await connect(caller, brief, { receipts: true }).synced();
  rootOf(writer.doc).insert(0, 'x'.repeat(BRIEF_BYTES));
  await until('saved', () => writer.isSaved);
  const reader = await connect(bob.caller, brief, { receipts: true }).synced();
  socketOf(reader).pause();
  const nothing = Y.encodeStateVector(new Y.Doc());
  await until('it has fallen behind', async () => {
    if ((await office.gauge('daena_peers_behind')) === 1) return true;
    reader.sendRaw(writeStep1(nothing));
    return false;
  });
  return { office, writer, reader };
}

test('[BO3] a device that stops reading costs its room nothing, and has all once it reads again', async () => {
  const { office, writer, reader } = await officeWithStuckReader();
  const deliveredBefore = await office.gauge('daena_updates_delivered_total');
  expect(await office.gauge('daena_bound_use\\{bound="send_buffer_bytes"\\}')).toBeGreaterThan(BEHIND_BUFFER_BYTES);
  for (let n = 0; n < EDITS; n++) rootOf(writer.doc).insert(0, `edit ${n}. `);
  await until('saved', () => writer.isSaved);
  expect(await office.gauge('daena_updates_delivered_total')).toBe(deliveredBefore);
  socketOf(reader).resume();
  await until('it has all', () => textOf(reader) === textOf(writer));
  expect(await office.gauge('daena_peers_resynced_total')).toBe(1);
  expect(await office.gauge('daena_peers_behind')).toBe(0);
  expect(reader.closes).toEqual([]);
  rootOf(writer.doc).insert(0, 'and on. ');
  await until('one by one again', () => textOf(reader) === textOf(writer));
});

test('[BO4] [BO5] a device that does not read for 45 s is told to come back, and when', async () => {
  const { office, reader, writer } = await officeWithStuckReader();
  office.clock.advance(MAX_BEHIND_MS);
  await until('given up', async () => (await office.gauge('daena_peers_too_slow_total')) === 1);
  socketOf(reader).resume();
  await reader.closedWith(4529);
  const [close] = reader.closes;
  expect(readRetryHint(close?.reason ?? '')).toBeGreaterThan(0);
  await until('it came back', () => reader.provider.synced && textOf(reader) === textOf(writer));
});
