import { afterEach, beforeEach, expect, test } from 'vitest';
import * as Y from 'yjs';
import { ModelError } from '../../agents/model/model-error.ts';
import { Peer } from '../../agents/peer.ts';
import { runTurn, type TurnEnd } from '../../agents/turn.ts';
import { MAX_BODY_CHARS, type ReplyEntry } from '../../sync-server/protocol/entry.ts';
import { entriesOf, liveOf, readEntries, readLiveRow, writeEntry } from '../../sync-server/protocol/segment.ts';
import type { Lease } from '../../sync-server/protocol/worker-link.ts';
import { eventually } from '../support/eventually.ts';
import { freshUlid, makeLease } from '../support/leases.ts';
import { CUT, DONE, ScriptedChat, text, thinking } from '../support/scripted-chat.ts';
import { WORKER_TOKEN, WorkerOffice } from '../support/worker-office.ts';

let office: WorkerOffice;
const closing: (() => void)[] = [];

beforeEach(async () => {
  office = new WorkerOffice();
  await office.start();
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await office.stop();
});

interface Running {
  readonly lease: Lease;
  readonly peer: Peer;
  readonly model: ScriptedChat;
  readonly phases: string[];
  readonly doc: Y.Doc;
  readonly end: Promise<TurnEnd>;
  stop(): void;
}

function run(lease: Lease = makeLease(), maxAwayMs = 60_000): Running {
  const model = new ScriptedChat();
  const phases: string[] = [];
  const stopping = new AbortController();
  const peer = new Peer({ server: office.url, token: () => WORKER_TOKEN, lease, maxAwayMs });
  const speaker = { model: 'm', isRehearsed: true, contextTokens: 8_192 };
  const onPhase = (phase: string) => phases.push(phase);
  const end = runTurn({ lease, peer, chat: model.chat, speaker, onPhase, signal: stopping.signal });
  const stop = () => stopping.abort();
  closing.push(stop, () => peer.close());
  return { lease, peer, model, phases, doc: office.document(lease.document), end, stop };
}

const rowOf = ({ doc, lease }: Running) => readLiveRow(doc, lease.rowId);
const replyOf = ({ doc, lease }: Running): ReplyEntry | undefined =>
  readEntries(doc).find((entry): entry is ReplyEntry => entry.kind === 'reply' && entry.id === lease.turn);

test('[AG2] the first word is shown at once, the others follow in order, and the row becomes one reply', async () => {
  const turn = run();
  turn.model.say(text('One'));
  await eventually('the first word', () => rowOf(turn)?.text === 'One');
  expect(rowOf(turn)).toMatchObject({
    turn: turn.lease.turn,
    agent: 'daena',
    isRehearsed: true,
    model: 'm',
    thinking: '',
  });
  for (const word of [' two', ' three', ' four']) turn.model.say(text(word));
  await eventually('all words', () => rowOf(turn)?.text === 'One two three four');
  turn.model.say(DONE);
  expect(await turn.end).toEqual({ kind: 'done' });
  expect(turn.phases).toEqual(['reading', 'writing']);
  expect(rowOf(turn)).toBeNull();
  expect(replyOf(turn)).toMatchObject({
    author: 'daena',
    cause: turn.lease.cause,
    outcome: 'done',
    body: 'One two three four',
    isRehearsed: true,
    measures: { promptTokens: 10, outputTokens: 2 },
    saw: { entries: [turn.lease.cause], leftOut: 0, contextTokens: 8_192 },
  });
});

test('[AG2] nobody ever sees the row and the reply together, or neither', async () => {
  const turn = run();
  const states: string[] = [];
  turn.doc.on('afterTransaction', () => states.push(`${liveOf(turn.doc).size} ${entriesOf(turn.doc).size}`));
  turn.model.say(text('One'));
  await eventually('the row', () => rowOf(turn) !== null);
  turn.model.say(text(' two'), DONE);
  await turn.end;
  expect([...new Set(states)]).toEqual(['1 0', '0 1']);
});

test('[AG2] everything is written under the client id of the lease alone', async () => {
  const turn = run();
  turn.model.say(text('One'), text(' two'), DONE);
  await turn.end;
  expect([...Y.decodeStateVector(Y.encodeStateVector(turn.doc)).keys()]).toEqual([turn.lease.clientId]);
});

test('[AG2] thinking is kept apart from the answer', async () => {
  const turn = run();
  turn.model.say(thinking('Hm'), thinking('m.'));
  await eventually('the thinking', () => rowOf(turn)?.thinking === 'Hmm.');
  expect(rowOf(turn)?.text).toBe('');
  turn.model.say(text('Yes.'), DONE);
  await turn.end;
  expect(replyOf(turn)).toMatchObject({ body: 'Yes.', thinking: 'Hmm.' });
});

test("[AG2] the reply comes after the newest entry, by the office's clock", async () => {
  office.clockAheadMs = 3_600_000;
  const lease = makeLease();
  const at = Date.now() + 2 * 3_600_000;
  writeEntry(office.document(lease.document), {
    id: freshUlid(),
    author: 'p1',
    at,
    kind: 'message',
    body: 'From ahead',
    mentions: [],
  });
  const late = run(lease);
  await eventually('that it has joined', () => late.peer.newestAt() === at);
  late.model.say(text('Yes.'), DONE);
  await late.end;
  expect(replyOf(late)?.at).toBe(at + 1);

  const turn = run();
  await eventually('the hello', () => turn.peer.officeNow() > Date.now() + 3_000_000);
  turn.model.say(text('Yes.'), DONE);
  await turn.end;
  expect(Math.abs((replyOf(turn)?.at ?? 0) - Date.now() - 3_600_000)).toBeLessThan(60_000);
});

test('[AG2] an answer without end is cut, the model is stopped, and the reply says so', async () => {
  const turn = run();
  turn.model.say(text('x'.repeat(MAX_BODY_CHARS - 1)), text('yz'), text('never read'));
  expect(await turn.end).toEqual({ kind: 'done' });
  expect(replyOf(turn)?.body).toHaveLength(MAX_BODY_CHARS);
  expect(replyOf(turn)).toMatchObject({ isCut: true });
});

test('an answer that the model cut at its limit says so', async () => {
  const turn = run();
  turn.model.say(text('Half'), CUT);
  await turn.end;
  expect(replyOf(turn)).toMatchObject({ body: 'Half', isCut: true });
});

test('[AG3] a stop closes the request within half a second, and nothing more is written', async () => {
  const turn = run();
  turn.model.say(text('One'));
  await eventually('the first word', () => rowOf(turn)?.text === 'One');
  const before = Y.encodeStateVector(turn.doc);
  const stoppedAt = performance.now();
  turn.model.say(text(' two'));
  turn.stop();
  expect(await turn.end).toEqual({ kind: 'over' });
  expect(performance.now() - stoppedAt).toBeLessThan(500);
  expect(turn.model.isAborted).toBe(true);
  turn.peer.close();
  await eventually('that the peer is gone', () => !office.hasPeer(turn.lease));
  expect(Y.encodeStateVector(turn.doc)).toEqual(before);
});

test.each([4409, 4403, 4404])('a document closed with %i ends the turn: the lease is over', async (code) => {
  const turn = run();
  turn.model.say(text('One'));
  await eventually('the first word', () => rowOf(turn)?.text === 'One');
  office.closePeer(turn.lease, code);
  expect(await turn.end).toEqual({ kind: 'over' });
  expect(turn.model.isAborted).toBe(true);
});

test('[AG4] a refused change fails the attempt', async () => {
  const turn = run();
  turn.model.say(text('One'));
  await eventually('the first word', () => rowOf(turn)?.text === 'One');
  office.nack(turn.lease);
  expect(await turn.end).toMatchObject({ kind: 'failed', isFinal: false, code: 'refused' });
});

test('[INV5] a reply that the office wrote meanwhile is not set again', async () => {
  const turn = run();
  turn.model.say(text('One'));
  await eventually('the first word', () => rowOf(turn)?.text === 'One');
  const { turn: id, cause, clientId } = turn.lease;
  writeEntry(turn.doc, {
    // reason: the lease's ids are made by the protocol's own functions
    ...({ id, cause } as Pick<ReplyEntry, 'id' | 'cause'>),
    kind: 'reply',
    author: 'daena',
    at: 5,
    step: 'answer',
    attempt: 1,
    outcome: 'stopped',
    body: 'One',
  });
  await eventually('that it is here', () => entriesOf(turn.peer.doc).size === 1);
  const clock = Y.getState(turn.doc.store, clientId);
  turn.model.say(DONE);
  expect(await turn.end).toEqual({ kind: 'over' });
  expect(Y.getState(turn.doc.store, clientId)).toBe(clock);
});

test.each([
  ['unreachable', { kind: 'released' }],
  ['model-missing', { kind: 'released' }],
  ['busy', { kind: 'released' }],
  ['runner-crashed', { kind: 'failed', isFinal: false }],
  ['interrupted', { kind: 'failed', isFinal: false }],
  ['timeout', { kind: 'failed', isFinal: false }],
  ['unsupported', { kind: 'failed', isFinal: true }],
  ['bad-request', { kind: 'failed', isFinal: true }],
] as const)('a model that is %s means %o', async (code, expected) => {
  const turn = run();
  turn.model.say(new ModelError(code, 'So it is.'));
  expect(await turn.end).toMatchObject(expected);
  expect(entriesOf(turn.doc).size).toBe(0);
});

test('an answer without a word is no answer', async () => {
  const turn = run();
  turn.model.say(DONE);
  expect(await turn.end).toMatchObject({ kind: 'failed', isFinal: false, code: 'empty-answer' });
});

test('[AG5] while the server is away the turn goes on, and afterwards all is there once', async () => {
  const turn = run();
  turn.model.say(text('One'));
  await eventually('the first word', () => rowOf(turn)?.text === 'One');
  await office.stop();
  turn.model.say(text(' two'), text(' three'));
  await eventually('that it writes on', () => readLiveRow(turn.peer.doc, turn.lease.rowId)?.text === 'One two three');
  await office.start();
  await eventually('all words', () => rowOf(turn)?.text === 'One two three');
  await office.stop();
  turn.model.say(text(' four'), DONE);
  await eventually('that it has ended', () => entriesOf(turn.peer.doc).size === 1);
  await office.start();
  expect(await turn.end).toEqual({ kind: 'done' });
  expect(replyOf(turn)?.body).toBe('One two three four');
  expect(rowOf(turn)).toBeNull();
});

test('[AG5] a server that stays away ends the turn', async () => {
  const turn = run(makeLease(), 200);
  turn.model.say(text('One'));
  await eventually('the first word', () => rowOf(turn)?.text === 'One');
  await office.stop();
  expect(await turn.end).toMatchObject({ kind: 'failed', isFinal: false, code: 'server-away' });
  expect(turn.model.isAborted).toBe(true);
});

test('[AG2] a reply is not done before its receipt', async () => {
  office.givesReceipts = false;
  const turn = run();
  let hasEnded = false;
  void turn.end.then(() => (hasEnded = true));
  turn.model.say(text('Yes.'), DONE);
  await eventually('the reply', () => replyOf(turn) !== undefined);
  expect(hasEnded).toBe(false);
  // The receipt went down with the server; what the server says it has after its restart is as good.
  await office.stop();
  await office.start();
  expect(await turn.end).toEqual({ kind: 'done' });
});
