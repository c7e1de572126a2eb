// Peers that know nothing of us: the y-websocket provider as it comes, on every kind of document, through a real process.
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { messageNow } from '../support/entries.ts';
import { type RunningOffice, startOffice } from '../support/office.ts';
import { connect, contentOf, type OfficePeer } from '../support/office-peer.ts';
import { addMember, type Signed } from '../support/office-people.ts';
import { until } from '../support/until.ts';

async function twoPeople(): Promise<{ office: RunningOffice; owner: Signed; bob: Signed }> {
  const office = await startOffice();
  const owner = await office.signIn();
  return { office, owner, bob: await addMember(owner.caller, 'bob') };
}

const rootOf = ({ doc }: OfficePeer): Y.XmlText => doc.get('root', Y.XmlText);

function paragraph(peer: OfficePeer, index: number): Y.XmlText {
  const found: unknown = rootOf(peer).toDelta()[index]?.insert;
  if (!(found instanceof Y.XmlText)) throw new RangeError(`no paragraph ${index}`);
  return found;
}

const textOf = (peer: OfficePeer): string => JSON.stringify(rootOf(peer).toDelta());

/** Resolves when both are connected and hold the same, which is more than nothing. */
const sameOn = (one: OfficePeer, two: OfficePeer, read: (peer: OfficePeer) => string): Promise<true> =>
  until('both hold the same', () => {
    const isThere = [one, two].every(({ provider }) => provider.synced);
    return isThere && stateOf(one) === stateOf(two) && read(one) === read(two);
  });

const stateOf = ({ doc }: OfficePeer): string => Buffer.from(Y.encodeStateVector(doc)).toString('base64');

test('[RO1] [INV1] [INV3] stock providers on a chat converge after writing at once, offline, and across a killed server', async () => {
  const { office, owner, bob } = await twoPeople();
  const { session } = await owner.caller.call('startChat', { body: { scope_type: 'general' } });
  const one = await connect(owner.caller, session.documents.live).synced();
  const two = await connect(bob.caller, session.documents.live).synced();
  for (let n = 1; n <= 20; n++) {
    one.write(messageNow(owner.me.id, n));
    two.write(messageNow(bob.me.id, 100 + n));
  }
  const chat = ({ doc }: OfficePeer): string => contentOf(doc);
  await until('all are there', () => one.entries.length === 41 && two.entries.length === 41);
  one.provider.disconnect();
  one.write(messageNow(owner.me.id, 50));
  two.write(messageNow(bob.me.id, 150));
  await office.kill9();
  two.write(messageNow(bob.me.id, 151));
  await office.start();
  one.provider.connect();
  await until('all that was written meanwhile is there', () => one.entries.length === 44 && two.entries.length === 44);
  const newcomer = await connect(owner.caller, session.documents.live).synced();
  expect(new Set([one, two, newcomer].map(chat)).size).toBe(1);
});

test('[RO1] [INV1] [INV3] [GA19] stock providers on a brief converge: paragraphs, formats, undo, typing at once, offline, and across a killed server', async () => {
  const { office, owner, bob } = await twoPeople();
  const { session } = await owner.caller.call('startChat', { body: { scope_type: 'general' } });
  const one = await connect(owner.caller, session.documents.brief).synced();
  const two = await connect(bob.caller, session.documents.brief).synced();
  rootOf(one).insertEmbed(0, new Y.XmlText('The plan'));
  rootOf(one).insertEmbed(1, new Y.XmlText('First we look.'));
  await sameOn(one, two, textOf);
  const undo = new Y.UndoManager(rootOf(two));
  // At once, in the same place.
  paragraph(one, 1).insert(6, 'really ');
  paragraph(two, 1).insert(6, 'only ');
  paragraph(one, 0).format(0, 8, { bold: true });
  paragraph(two, 0).delete(0, 4);
  await sameOn(one, two, textOf);
  undo.undo();
  await sameOn(one, two, textOf);
  expect(paragraph(one, 1).toString()).toContain('really');
  expect(paragraph(one, 1).toString()).not.toContain('only');
  one.provider.disconnect();
  rootOf(one).insertEmbed(2, new Y.XmlText('Written offline.'));
  paragraph(two, 1).insert(0, 'Now: ');
  await two.roundTrip();
  await office.kill9();
  paragraph(two, 1).insert(5, 'still ');
  await office.start();
  one.provider.connect();
  await sameOn(one, two, textOf);
  expect(paragraph(two, 2).toString()).toBe('Written offline.');
  expect(paragraph(one, 1).toString()).toMatch(/^Now: still /);
  const newcomer = await connect(bob.caller, session.documents.brief).synced();
  expect(textOf(newcomer)).toBe(textOf(one));
});
