import { expect, test } from 'vitest';
import { writeAwareness } from '../../../sync-server/protocol/frames.ts';
import { openHeldOffice } from '../../support/office-in-process.ts';
import { connect, type OfficePeer } from '../../support/office-peer.ts';
import { addMember } from '../../support/office-people.ts';
import { until } from '../../support/until.ts';

const AWARENESS = 1;

const stateOf = (viewer: OfficePeer, of: OfficePeer): Record<string, unknown> | undefined =>
  viewer.provider.awareness.getStates().get(of.doc.clientID);

async function threePeers() {
  const office = await openHeldOffice();
  const { caller } = office.owner;
  const bob = await addMember(caller, 'bob');
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const document = session.documents.live;
  const one = await connect(caller, document).synced();
  const two = await connect(bob.caller, document).synced();
  const viewer = await connect(caller, document).synced();
  return { office, bob, one, two, viewer };
}

test('[AW1] the name is that of who signed in, whatever the peer claims', async () => {
  const { two, viewer, bob } = await threePeers();
  two.provider.awareness.setLocalState({ user: { id: 'boss', name: 'The Boss' }, isTyping: true });
  const seen = await until('the state', () => stateOf(viewer, two)?.isTyping && stateOf(viewer, two));
  expect(seen).toEqual({ user: { id: bob.me.id, name: 'bob' }, isTyping: true });
});

test("[AW1] nobody speaks for another's client id", async () => {
  const { one, two, viewer } = await threePeers();
  one.provider.awareness.setLocalState({ isTyping: true });
  await until('the state', () => stateOf(viewer, one));
  two.sendRaw(writeAwareness([{ client: one.doc.clientID, clock: 1_000, state: '{"isTyping":false}' }]));
  two.sendRaw(writeAwareness([{ client: one.doc.clientID, clock: 1_001, state: 'null' }]));
  two.provider.awareness.setLocalState({ mark: 1 });
  await until('what came after it', () => stateOf(viewer, two)?.mark === 1);
  expect(stateOf(viewer, one)?.isTyping).toBe(true);
});

test('[AW2] changes are gathered: many in a row cost few frames, and the last one is seen', async () => {
  const { two, viewer } = await threePeers();
  const before = viewer.frames.filter((type) => type === AWARENESS).length;
  for (let n = 1; n <= 100; n++) two.provider.awareness.setLocalState({ n });
  await until('the last state', () => stateOf(viewer, two)?.n === 100);
  expect(viewer.frames.filter((type) => type === AWARENESS).length - before).toBeLessThan(10);
});

test('[AW2] a renewal is not fanned out', async () => {
  const { one, two, viewer } = await threePeers();
  one.provider.awareness.setLocalState({ n: 1 });
  await until('the state', () => stateOf(viewer, one)?.n === 1);
  const clockOf = () => viewer.provider.awareness.meta.get(one.doc.clientID)?.clock;
  const before = clockOf();
  for (let n = 0; n < 5; n++) one.provider.awareness.setLocalState({ n: 1 });
  await one.roundTrip();
  two.provider.awareness.setLocalState({ mark: 2 });
  await until('what came after it', () => stateOf(viewer, two)?.mark === 2);
  expect(clockOf()).toBe(before);
});

test('[AW3] who leaves is gone, and who comes back is seen again with the clock they left with', async () => {
  const { one, viewer } = await threePeers();
  one.provider.awareness.setLocalState({ n: 1 });
  await until('the state', () => stateOf(viewer, one));
  one.provider.disconnect();
  await until('gone', () => !stateOf(viewer, one));
  one.provider.connect();
  await one.synced();
  one.provider.awareness.setLocalState({ n: 1 });
  await until('back', () => stateOf(viewer, one)?.n === 1);
  one.leave();
  await until('gone for good', () => !stateOf(viewer, one));
});

test('[AW2] everyone is told who is here at least every 20 s, so that a stock provider does not hang up', async () => {
  const { office, viewer } = await threePeers();
  const before = viewer.frames.length;
  office.clock.advance(20_000);
  await until('a frame', () => viewer.frames.length > before);
});
