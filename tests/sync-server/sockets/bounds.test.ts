import { expect, test } from 'vitest';
import WebSocket from 'ws';
import * as Y from 'yjs';
import { BOUNDS } from '../../../sync-server/bounds.ts';
import {
  MAX_AWARENESS_STATES,
  MAX_FRAME_BYTES,
  writeAwareness,
  writeUpdate,
} from '../../../sync-server/protocol/frames.ts';
import { isRetryLater, readRetryHint } from '../../../sync-server/protocol/retry-hint.ts';
import { MAX_WORKER_MESSAGE_BYTES } from '../../../sync-server/protocol/worker-link.ts';
import { MAX_SOCKETS_PER_PERSON } from '../../../sync-server/sockets/held-sockets.ts';
import { COUNTED } from '../../../sync-server/tally.ts';
import { knock } from '../../support/knock.ts';
import { openHeldOffice } from '../../support/office-in-process.ts';
import { connect } from '../../support/office-peer.ts';
import { addMember } from '../../support/office-people.ts';
import { until } from '../../support/until.ts';

async function officeWithBrief() {
  const office = await openHeldOffice();
  const { caller } = office.owner;
  const { session } = await caller.call('startChat', { body: { scope_type: 'general' } });
  return {
    office,
    caller,
    session,
    path: `/sync/${session.documents.live}`,
    brief: `/sync/${session.documents.brief}`,
  };
}

/** A frame of a kind that the server does not know, and passes over. */
const unknownFrame = (sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes).fill(120, 0, 1);

test('[FR4] [BO1] a message of 4 MiB passes, and any larger one ends with 4413, however large', async () => {
  const { caller, path } = await officeWithBrief();
  const fits = await knock(caller, path).opened();
  fits.socket.send(unknownFrame(MAX_FRAME_BYTES));
  expect(await fits.survives()).toBe(true);
  for (const sizeBytes of [MAX_FRAME_BYTES + 1, 2 * MAX_FRAME_BYTES + 1, 8 * MAX_FRAME_BYTES]) {
    const each = await knock(caller, path).opened();
    each.socket.send(unknownFrame(sizeBytes));
    expect(await each.code()).toBe(4413);
    expect(each.closed?.reason).toBe('the message is too large');
  }
  const events = await knock(caller, '/ws/events').opened();
  events.socket.send('x'.repeat(MAX_WORKER_MESSAGE_BYTES + 1));
  expect(await events.code()).toBe(4413);
});

test('[BO1] a message in pieces counts as a whole', async () => {
  const { caller, path } = await officeWithBrief();
  const each = await knock(caller, path).opened();
  each.socket.send(unknownFrame(MAX_FRAME_BYTES), { fin: false, binary: true });
  each.socket.send(unknownFrame(1), { fin: true, binary: true });
  expect(await each.code()).toBe(4413);
});

test('[FR1] bytes that are no WebSocket frame close with 4400, which is final', async () => {
  const { caller, path } = await officeWithBrief();
  const each = await knock(caller, path).opened();
  // reason: the stream below ws, to write what ws never would: a frame with reserved bits
  const { _socket: stream } = each.socket as unknown as { _socket: { write(bytes: Uint8Array): void } };
  stream.write(Uint8Array.from([0xf2, 0x81, 0, 0, 0, 0, 0]));
  expect(await each.code()).toBe(4400);
});

test('[BO9] one person holds 200 sockets; one more is asked to come later, and others are not affected', async () => {
  const { caller, path, office } = await officeWithBrief();
  const bob = await addMember(caller, 'bob');
  const sockets = Array.from({ length: MAX_SOCKETS_PER_PERSON }, () => knock(caller, path));
  for (const each of sockets) await each.opened();
  await until('all are held', async () => {
    const held = await office.gauge('daena_bound_use\\{bound="sockets_per_person"\\}');
    return held === MAX_SOCKETS_PER_PERSON;
  });
  const beyond = knock(caller, path);
  expect(await beyond.code()).toBe(4529);
  expect(readRetryHint(beyond.closed?.reason ?? '')).toBeGreaterThan(0);
  expect(await office.gauge('daena_sockets_refused_total')).toBe(1);
  expect(await knock(bob.caller, path).survives()).toBe(true);
  sockets[0]?.socket.close();
  await until('its place is free', () => sockets[0]?.socket.readyState === WebSocket.CLOSED);
  await until('another gets in', async () => knock(caller, path).survives());
});

test('[BO10] an awareness frame carries 2,000 states, and more is no frame', async () => {
  const { caller, path } = await officeWithBrief();
  const states = (count: number) =>
    Array.from({ length: count }, (_, client) => ({ client: client + 1, clock: 1, state: 'null' }));
  const fits = await knock(caller, path).opened();
  fits.socket.send(writeAwareness(states(MAX_AWARENESS_STATES)));
  expect(await fits.survives()).toBe(true);
  const beyond = await knock(caller, path).opened();
  beyond.socket.send(writeAwareness(states(MAX_AWARENESS_STATES + 1)));
  expect(await beyond.code()).toBe(4400);
});

test('[INV11] [BO13] no document ever holds what it cannot place: an update that refers to what is not there is dropped', async () => {
  const { caller, session, brief } = await officeWithBrief();
  const first = new Y.Doc();
  first.get('root', Y.XmlText).insert(0, 'one');
  const before = Y.encodeStateVector(first);
  first.get('root', Y.XmlText).insert(3, ' two');
  const each = await knock(caller, brief).opened();
  each.socket.send(writeUpdate(Y.encodeStateAsUpdate(first, before)));
  expect(await each.survives()).toBe(true);
  const reader = await connect(caller, session.documents.brief).synced();
  expect(reader.doc.store.clients.size).toBe(0);
  each.socket.send(writeUpdate(Y.encodeStateAsUpdate(first)));
  await until('the whole enters', () => reader.doc.get('root', Y.XmlText).toString() === 'one two');
});

test('[BO13] every bound with its value, and every count, is in /metrics', async () => {
  const { caller } = await officeWithBrief();
  const { text } = await caller.request('GET', '/metrics');
  for (const [bound, { limit }] of Object.entries(BOUNDS)) {
    expect(text).toMatch(new RegExp(`^daena_bound\\{bound="${bound}",[^\\n]*\\} ${limit}$`, 'm'));
  }
  for (const what of Object.keys(COUNTED)) expect(text).toMatch(new RegExp(`^daena_${what}_total \\d+$`, 'm'));
});

test('[BO5] [RO4] every close that means "try later" says when, another time to each', async () => {
  const { caller, path, office } = await officeWithBrief();
  const sockets = Array.from({ length: 8 }, () => knock(caller, path));
  for (const each of sockets) await each.opened();
  await office.close();
  const closes = await Promise.all(sockets.map(async (each) => ({ code: await each.code(), ...each.closed })));
  expect(closes.every(({ code }) => isRetryLater(code) && code === 4504)).toBe(true);
  const hints = closes.map(({ reason = '' }) => readRetryHint(reason));
  expect(hints).not.toContain(null);
  expect(new Set(hints).size).toBeGreaterThan(1);
});
