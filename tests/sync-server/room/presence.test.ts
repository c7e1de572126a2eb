import { expect, test } from 'vitest';
import { writeAwareness } from '../../../sync-server/protocol/frames.ts';
import { IDLE_MS } from '../../../sync-server/room/rooms.ts';
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

test('[AW3] who was away for a moment sees at once who stayed, though their clock stood still', async () => {
  const { one, two, viewer } = await threePeers();
  one.provider.awareness.setLocalState({ n: 1 });
  two.provider.awareness.setLocalState({ n: 2 });
  const seesBoth = (): boolean => stateOf(viewer, one)?.n === 1 && stateOf(viewer, two)?.n === 2;
  await until('both are seen', seesBoth);
  viewer.provider.disconnect();
  await until('nobody is seen', () => !stateOf(viewer, one) && !stateOf(viewer, two));
  viewer.provider.connect();
  await until('both are seen again', seesBoth);
});

test('[AW3] after the room was opened anew everyone is seen at once by everyone, under the clocks that they had', async () => {
  const { one, two, viewer, office } = await threePeers();
  const peers = [one, two, viewer];
  peers.forEach((peer, n) => {
    peer.provider.awareness.setLocalState({ n });
  });
  const seeEachOther = (): boolean =>
    peers.every((peer) => peers.every((other, n) => other === peer || stateOf(peer, other)?.n === n));
  await until('all see all', seeEachOther);
  for (const { provider } of peers) provider.disconnect();
  await until('all are gone', async () => (await office.gauge('daena_sockets_open')) === 0);
  office.clock.advance(IDLE_MS);
  await until('the room is gone', async () => (await office.gauge('daena_rooms_open')) === 0);
  for (const { provider } of peers) provider.connect();
  await until('all see all again', seeEachOther);
});

test('[AW1] a device that comes back before its old connection is known to be dead is seen under its id', async () => {
  const { one, viewer } = await threePeers();
  one.provider.awareness.setLocalState({ n: 1 });
  await until('the state', () => stateOf(viewer, one)?.n === 1);
  const lost = one.provider.ws;
  // As where the network went away: the provider begins anew, and the server hears nothing of the end.
  one.provider.ws = null;
  if (lost) lost.onmessage = lost.onclose = null;
  one.provider.wsconnected = false;
  one.provider.connect();
  await until('it is back', () => one.provider.wsconnected && one.provider.ws !== lost);
  one.provider.awareness.setLocalState({ n: 2 });
  await until('the new state', () => stateOf(viewer, one)?.n === 2);
  lost?.close();
  await one.roundTrip();
  one.provider.awareness.setLocalState({ n: 3 });
  await until('still there', () => stateOf(viewer, one)?.n === 3);
});
