import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { FRAME, writeUpdate } from '../../../sync-server/protocol/frames.ts';
import { writeEntry } from '../../../sync-server/protocol/segment.ts';
import { CommitGate } from '../../support/commit-gate.ts';
import { message, ulid } from '../../support/entries.ts';
import { openHeldOffice } from '../../support/office-in-process.ts';
import { connect, contentOf } from '../../support/office-peer.ts';
import { until } from '../../support/until.ts';

async function officeWithSession() {
  const gate = new CommitGate();
  const office = await openHeldOffice({ log: gate.log });
  const { session } = await office.owner.caller.call('startChat', { body: { scope_type: 'general' } });
  return { gate, office, document: session.documents.live, author: office.owner.me.id, session };
}

test('[DU1] [INV2] nothing is relayed, received, refused or answered before the commit, and all of it after', async () => {
  const { gate, office, document, author } = await officeWithSession();
  const { caller } = office.owner;
  const writer = await connect(caller, document, { receipts: true }).synced();
  const reader = await connect(caller, document).synced();
  gate.hold();
  writer.write(message(author, 1));
  writer.write(message(author, 2, { at: office.clock.now() + 10 * 60_000 }));
  await until('the log was asked', () => gate.isHolding);
  const late = connect(caller, document, { receipts: true });
  for (const peer of [writer, reader, late]) await peer.roundTrip();
  expect(writer.isSaved).toBe(false);
  expect(writer.receipts).toBe(0);
  expect(writer.nacks).toEqual([]);
  expect(reader.has(ulid(1))).toBe(false);
  expect(late.provider.synced).toBe(false);
  expect(late.frames.filter((type) => type === FRAME.sync)).toEqual([]);
  gate.release();
  await until('the receipt', () => writer.isSaved);
  await until('the refusal', () => writer.nacks.length === 1);
  await until('the relay', () => reader.has(ulid(1)));
  await late.synced();
  expect(contentOf(late.doc)).toBe(contentOf(reader.doc));
});

test('[DU2] a refused commit drops the room: nobody saw it, what was shown stays, and all is well once the disk works', async () => {
  const { gate, office, document, author, session } = await officeWithSession();
  const { caller } = office.owner;
  const writer = await connect(caller, document, { receipts: true }).synced();
  const reader = await connect(caller, document).synced();
  writer.write(message(author, 1));
  await until('the first message', () => reader.has(ulid(1)) && writer.isSaved);
  gate.isRefusing = true;
  writer.write(message(author, 2));
  await writer.closedWith(4503);
  await reader.closedWith(4503);
  expect(reader.has(ulid(2))).toBe(false);
  expect(await caller.refusal('postMessage', { params: { id: session.session_id }, body: { content: 'hello' } })).toBe(
    '503 storage',
  );
  expect((await caller.call('health', {})).parts.storage?.status).toBe('down');
  gate.isRefusing = false;
  office.clock.advance(3_000);
  await until('both messages everywhere', () => reader.has(ulid(2)) && writer.isSaved);
  const fresh = await connect(caller, document).synced();
  expect(contentOf(fresh.doc)).toBe(contentOf(writer.doc));
  expect(contentOf(fresh.doc)).toBe(contentOf(reader.doc));
  await until('storage is well', async () => (await caller.call('health', {})).parts.storage?.status === 'ok');
});

test('[DU3] a receipt covers every client id of the accepted update, and a replay is answered with one', async () => {
  const { office, document, author } = await officeWithSession();
  const { caller } = office.owner;
  const device = await connect(caller, document, { receipts: true }).synced();
  device.provider.disconnect();
  const first = device.doc.clientID;
  device.write(message(author, 1));
  const otherTab = new Y.Doc();
  writeEntry(otherTab, message(author, 2));
  Y.applyUpdate(device.doc, Y.encodeStateAsUpdate(otherTab));
  device.provider.connect();
  await until(
    'both saved',
    () => device.receipts > 0 && device.saved.get(first) === 1 && device.saved.get(otherTab.clientID) === 1,
  );
  const again = connect(caller, document, { receipts: true, doc: device.doc });
  await again.synced();
  again.sendRaw(writeUpdate(Y.encodeStateAsUpdate(device.doc)));
  await until('a receipt for the replay', () => again.receipts === 1);
  expect(again.saved.get(first)).toBe(1);
  expect(again.saved.get(otherTab.clientID)).toBe(1);
});
