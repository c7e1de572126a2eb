import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { FRAME } from '../../../sync-server/protocol/frames.ts';
import { messageNow as message, ulid } from '../../support/entries.ts';
import { startOffice } from '../../support/office.ts';
import { openHeldOffice } from '../../support/office-in-process.ts';
import { connect, contentOf } from '../../support/office-peer.ts';
import { addMember } from '../../support/office-people.ts';
import { until } from '../../support/until.ts';

async function officeWithSession() {
  const office = await openHeldOffice();
  const { session } = await office.owner.caller.call('startChat', { body: { scope_type: 'general' } });
  return { office, session, document: session.documents.live };
}

test('[RO1] stock providers, unmodified, sync with a real server and converge', async () => {
  const office = await startOffice();
  const owner = await office.signIn();
  const bob = await addMember(owner.caller, 'bob');
  const { session } = await owner.caller.call('startChat', { body: { scope_type: 'general' } });
  const one = await connect(owner.caller, session.documents.live).synced();
  const two = await connect(bob.caller, session.documents.live).synced();
  expect(one.entries.map(({ kind }) => kind)).toEqual(['created']);
  for (let n = 1; n <= 20; n += 2) {
    one.write(message(owner.me.id, n));
    two.write(message(bob.me.id, n + 1));
  }
  await until('all 21 entries on both sides', () => one.entries.length === 21 && two.entries.length === 21);
  expect(contentOf(one.doc)).toBe(contentOf(two.doc));
  expect(one.frames.filter((type) => type > 3)).toEqual([]);
});

test('[RO1] [INV3] two devices that were offline merge, and replicas and projection agree', async () => {
  const { office, session, document } = await officeWithSession();
  const { caller, me } = office.owner;
  const bob = await addMember(caller, 'bob');
  const one = await connect(caller, document).synced();
  const two = await connect(bob.caller, document).synced();
  for (const { provider } of [one, two]) provider.disconnect();
  for (let n = 1; n <= 30; n += 2) {
    one.write(message(me.id, n));
    two.write(message(bob.me.id, n + 1));
  }
  for (const { provider } of [one, two]) provider.connect();
  await until('both have everything', () => one.entries.length === 31 && two.entries.length === 31);
  const fresh = await connect(caller, document).synced();
  expect(new Set([one, two, fresh].map(({ doc }) => contentOf(doc))).size).toBe(1);
  const listed = await until('the projection', async () => {
    const { messages } = await caller.call('messages', { params: { id: session.session_id } });
    return messages.length === 30 && messages;
  });
  expect(listed.map(({ message_id, content }) => [message_id, content])).toEqual(
    Array.from({ length: 30 }, (_, index) => [ulid(index + 1), `message ${index + 1}`]),
  );
});

test('[GA9] [FR3] a refusal reaches its author, who is told again after coming back; nobody else is told', async () => {
  const { office, document } = await officeWithSession();
  const { caller, me } = office.owner;
  const bob = await addMember(caller, 'bob');
  const writer = await connect(bob.caller, document, { receipts: true }).synced();
  const others = await connect(caller, document, { receipts: true }).synced();
  const stock = await connect(bob.caller, document).synced();
  writer.write(message(bob.me.id, 1, { at: office.clock.now() + 10 * 60_000 }));
  writer.write({ id: ulid(2), kind: 'title', author: bob.me.id, at: 5, title: 'Mine' });
  writer.write(message(bob.me.id, 3));
  await until('both refusals', () => writer.nacks.length === 2);
  expect(writer.nacks.map(({ entry, code }) => [entry, code])).toEqual([
    [ulid(1), 'clock'],
    [ulid(2), 'permission'],
  ]);
  await until('what came after them', () => stock.has(ulid(3)) && others.has(ulid(3)) && writer.isSaved);
  expect(stock.has(ulid(1))).toBe(false);
  const back = await connect(bob.caller, document, { receipts: true }).synced();
  await until('the refusals once more', () => back.nacks.length === 2);
  const again = await connect(caller, document, { receipts: true }).synced();
  await again.roundTrip();
  expect([...others.nacks, ...again.nacks]).toEqual([]);
  expect(stock.frames.filter((type) => type > FRAME.queryAwareness)).toEqual([]);
  expect(again.hellos).toMatchObject([{ protocol: 1, principal: me.id, time: office.clock.now() }]);
});

test('[GA5] [INV11] an update ahead of what the room knows is asked for and then taken', async () => {
  const { office, document } = await officeWithSession();
  const { caller, me } = office.owner;
  const device = await connect(caller, document).synced();
  device.provider.disconnect();
  device.write(message(me.id, 1));
  device.provider.connect();
  // At once, before the handshake has told the room of the first one.
  await until('the socket is open', () => device.provider.wsconnected);
  device.write(message(me.id, 2));
  const reader = await connect(caller, document).synced();
  await until('both', () => reader.has(ulid(1)) && reader.has(ulid(2)));
  expect(reader.doc.store.pendingStructs).toBeNull();
  expect(device.closes).toEqual([]);
});

test('[GA19] people edit a brief together, and another root in it closes only the one who sent it', async () => {
  const { office, session } = await officeWithSession();
  const { caller } = office.owner;
  const bob = await addMember(caller, 'bob');
  const one = await connect(caller, session.documents.brief, { receipts: true }).synced();
  const two = await connect(bob.caller, session.documents.brief).synced();
  const rootOf = (doc: Y.Doc): Y.XmlText => doc.get('root', Y.XmlText);
  const paragraph = new Y.XmlText();
  rootOf(one.doc).insertEmbed(0, paragraph);
  paragraph.insert(0, 'hello');
  await until('the paragraph', () => rootOf(two.doc).toString() === rootOf(one.doc).toString());
  const same = rootOf(two.doc).toDelta()[0]?.insert;
  if (!(same instanceof Y.XmlText)) throw new Error('the paragraph is not there');
  same.insert(5, ' world');
  same.delete(0, 1);
  await until('the edit', () => paragraph.toString() === 'ello world');
  await until('the receipt', () => one.isSaved);
  two.doc.getText('elsewhere').insert(0, 'x');
  await two.closedWith(4422);
  expect(one.closes).toEqual([]);
  const fresh = await connect(caller, session.documents.brief).synced();
  expect([...fresh.doc.share.keys()]).toEqual(['root']);
});

test('[GA3] a forged change closes its connection with 4422 and leaves no trace', async () => {
  const { office, document } = await officeWithSession();
  const bob = await addMember(office.owner.caller, 'bob');
  const good = await connect(office.owner.caller, document).synced();
  const forger = await connect(bob.caller, document).synced();
  forger.write(message(office.owner.me.id, 1));
  await forger.closedWith(4422);
  forger.leave();
  await good.roundTrip();
  expect(good.entries.map(({ kind }) => kind)).toEqual(['created']);
  expect(good.closes).toEqual([]);
});
