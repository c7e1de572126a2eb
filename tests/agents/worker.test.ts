import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BrainStatus, Endpoint } from '../../agents/model/brain-state.ts';
import { RehearsalControl } from '../../agents/rehearsal/rehearsal-control.ts';
import { RehearsalServer } from '../../agents/rehearsal/rehearsal-server.ts';
import { makeLeaseRunner } from '../../agents/run-lease.ts';
import { Worker } from '../../agents/worker.ts';
import { backoffMs, MAX_BACKOFF_MS } from '../../agents/worker-link.ts';
import { PROTOCOL_VERSION } from '../../sync-server/protocol/frames.ts';
import { readEntries, readLiveRow } from '../../sync-server/protocol/segment.ts';
import type { Lease } from '../../sync-server/protocol/worker-link.ts';
import { eventually } from '../support/eventually.ts';
import { makeLease } from '../support/leases.ts';
import { WORKER_TOKEN, WorkerOffice } from '../support/worker-office.ts';

const REHEARSAL = 'rehearsal';
const SLOTS = 2;

/** A brain that says what the test says. */
class FixedBrain {
  readonly #listeners = new Set<(status: BrainStatus) => void>();
  probes = 0;
  where: Endpoint | null;

  constructor(where: Endpoint | null) {
    this.where = where;
  }

  endpoint(): Endpoint | null {
    return this.where;
  }

  status(): BrainStatus {
    const isThere = this.where !== null;
    return {
      connected: isThere,
      ollama_available: false,
      llm_available: isThere,
      provider: 'rehearsal',
      models: [],
      active_model: this.where?.model ?? null,
      ...(isThere ? {} : { error: 'Ollama does not answer.' }),
    };
  }

  onChange(listener: (status: BrainStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async probe(): Promise<void> {
    this.probes += 1;
  }

  become(where: Endpoint | null): void {
    this.where = where;
    for (const listener of this.#listeners) listener(this.status());
  }
}

let office: WorkerOffice;
let control: RehearsalControl;
let model: RehearsalServer;
let brain: FixedBrain;
let stopping: AbortController;
let running: Promise<void>;

beforeEach(async () => {
  office = new WorkerOffice();
  await office.start();
  control = new RehearsalControl();
  model = await RehearsalServer.start({ control, models: [REHEARSAL], pace: { chunkDelayMs: 2, loadMs: 0 } });
  brain = new FixedBrain({ provider: 'rehearsal', host: model.url, model: REHEARSAL });
  stopping = new AbortController();
  const runLease = makeLeaseRunner({ server: office.url, token: () => WORKER_TOKEN, brain });
  const worker = new Worker({
    server: office.url,
    token: () => WORKER_TOKEN,
    slots: SLOTS,
    brain,
    runLease,
    log: () => {},
  });
  running = worker.run(stopping.signal);
  await eventually('the hello', () => office.said('hello').length === 1);
});
afterEach(async () => {
  stopping.abort();
  control.release();
  await running;
  await office.stop();
  await model.close();
});

const repliesIn = ({ document }: Lease) =>
  readEntries(office.document(document)).filter(({ kind }) => kind === 'reply');
const textIn = ({ document, rowId }: Lease) => readLiveRow(office.document(document), rowId)?.text ?? '';
const isDone = (lease: Lease) => repliesIn(lease).length === 1;
const leasesInLastBeat = () =>
  office
    .said('heartbeat')
    .at(-1)
    ?.leases.map(({ turn }) => turn);

test('[AG1] it says what it can do, what it works on, and what answers: in this order', async () => {
  await eventually('the brain', () => office.said('brain').length === 1);
  expect(office.messages.map(({ type }) => type)).toEqual(['hello', 'heartbeat', 'brain']);
  expect(office.messages[0]).toEqual({ type: 'hello', slots: SLOTS, protocol: PROTOCOL_VERSION });
  expect(office.requests[0]).toEqual({ path: '/internal/worker', authorization: `Bearer ${WORKER_TOKEN}` });
});

test('[AG1] a change of the brain is told', async () => {
  brain.become(null);
  await eventually('the change', () => office.said('brain').length === 2);
  expect(office.said('brain')[1]?.status).toMatchObject({ llm_available: false, error: 'Ollama does not answer.' });
});

test('[AG6] a job becomes a reply of the model that answers, labelled as rehearsed', async () => {
  const lease = makeLease();
  office.give(lease);
  await eventually('the reply', () => isDone(lease));
  expect(repliesIn(lease)[0]).toMatchObject({ outcome: 'done', isRehearsed: true, model: REHEARSAL });
  expect(office.said('phase')).toContainEqual(expect.objectContaining({ turn: lease.turn, phase: 'writing' }));
  expect(office.said('failed')).toEqual([]);
});

test('[AG1] no more turns than slots ask the model at once, and the next begins when one ends', async () => {
  control.script({ fault: { kind: 'hold-headers' }, times: SLOTS + 1 });
  const leases = Array.from({ length: SLOTS + 1 }, () => makeLease());
  for (const lease of leases) office.give(lease);
  await eventually('that both slots are taken', () => control.held === SLOTS);
  control.release();
  await eventually('that the third is asked', () => control.requests.length === SLOTS + 1);
  await eventually('that it is held', () => control.held === 1);
  expect(control.mostParallel).toBe(SLOTS);
  control.release();
  await eventually('that all are done', () => leases.every(isDone));
});

test('[AG1] jobs beyond what it can hold are given back', async () => {
  control.script({ fault: { kind: 'hold-headers' }, times: 10 });
  const leases = Array.from({ length: SLOTS * 2 + 1 }, () => makeLease());
  for (const lease of leases) office.give(lease);
  await eventually('the release', () => office.said('released').length === 1);
  expect(office.said('released')[0]?.turn).toBe(leases.at(-1)?.turn);
});

test('[AG1] the same job twice is worked on once', async () => {
  const lease = makeLease();
  control.script({ fault: { kind: 'hold-headers' } });
  office.give(lease);
  office.give(lease);
  await eventually('the request', () => control.held === 1);
  control.release();
  await eventually('the reply', () => isDone(lease));
  expect(control.requests).toHaveLength(1);
});

test('[AG3] an abort before the first byte closes the request within half a second', async () => {
  control.script({ fault: { kind: 'hold-headers' } });
  const lease = makeLease();
  office.give(lease);
  await eventually('the request', () => control.held === 1);
  const at = Date.now();
  office.abort(lease);
  await eventually('that it is closed', () => control.requests[0]?.closedEarlyAtMs != null);
  expect((control.requests[0]?.closedEarlyAtMs ?? 0) - at).toBeLessThan(500);
  await eventually('that the peer is gone', () => !office.hasPeer(lease));
  expect(readEntries(office.document(lease.document))).toEqual([]);
  expect(office.said('failed')).toEqual([]);
  expect(office.said('released')).toEqual([]);
});

test('[AG3] an abort in the middle of an answer stops the model', async () => {
  control.script({ fault: { kind: 'slow', chunkDelayMs: 30 } });
  const lease = makeLease();
  office.give(lease);
  await eventually('some words', () => textIn(lease).length > 0);
  office.abort(lease);
  await eventually('that it is closed', () => control.requests[0]?.closedEarlyAtMs != null);
  await eventually('that the peer is gone', () => !office.hasPeer(lease));
  expect(repliesIn(lease)).toEqual([]);
});

test.each([
  [{ kind: 'fail-mid-stream', afterChunks: 3 }, 'interrupted'],
  [{ kind: 'end-without-done', afterChunks: 3 }, 'interrupted'],
  [{ kind: 'runner-crash' }, 'runner-crashed'],
] as const)('with %o the attempt fails and may be tried again', async (fault, code) => {
  control.script({ fault });
  const lease = makeLease();
  office.give(lease);
  await eventually('the failure', () => office.said('failed').length === 1);
  expect(office.said('failed')[0]).toMatchObject({ turn: lease.turn, attempt: 1, isFinal: false, code });
  expect(repliesIn(lease)).toEqual([]);
});

test('[AG4] a model that is busy or gone gives the turn back, with the reason', async () => {
  control.script({ fault: { kind: 'busy' } });
  office.give(makeLease());
  await eventually('the release', () => office.said('released').length === 1);
  expect(office.said('released')[0]?.reason).toMatch(/busy/);
  model.remove(REHEARSAL);
  office.give(makeLease());
  await eventually('the release', () => office.said('released').length === 2);
  expect(office.said('released')[1]?.reason).toMatch(/not found/);
  await model.close();
  office.give(makeLease());
  await eventually('the release', () => office.said('released').length === 3);
  expect(brain.probes).toBe(3);
});

test('[AG4] where nothing answers, a turn is given back with what the brain says', async () => {
  brain.become(null);
  office.give(makeLease());
  await eventually('the release', () => office.said('released').length === 1);
  expect(office.said('released')[0]?.reason).toBe('Ollama does not answer.');
});

test('[AG1] a lease that is none fails alone', async () => {
  const broken = makeLease({ document: 'session/#' });
  const good = makeLease();
  office.give(broken);
  office.give(good);
  await eventually('the failure', () => office.said('failed').length === 1);
  expect(office.said('failed')[0]).toMatchObject({ turn: broken.turn, isFinal: true, code: 'fault' });
  await eventually('the other one', () => isDone(good));
});

test('[AG5] through a restart of the server the turn goes on, and the server is told that it does', async () => {
  control.script({ fault: { kind: 'slow', chunkDelayMs: 20 } });
  const lease = makeLease();
  office.give(lease);
  await eventually('some words', () => textIn(lease).length > 0);
  await office.stop();
  office.messages.length = 0;
  const chunks = control.requests[0]?.chunksSent ?? 0;
  await eventually('that the model speaks on', () => (control.requests[0]?.chunksSent ?? 0) > chunks + 5);
  await office.start();
  await eventually('the first heartbeat', () => office.said('heartbeat').length > 0);
  expect(office.messages.map(({ type }) => type).slice(0, 4)).toEqual(['hello', 'heartbeat', 'brain', 'phase']);
  expect(leasesInLastBeat()).toEqual([lease.turn]);
  await eventually('the reply', () => isDone(lease));
  expect(control.requests).toHaveLength(1);
  const [reply] = repliesIn(lease);
  expect(reply?.kind === 'reply' && reply.body.match(/Rehearsal:/g)).toHaveLength(1);
});

test('[AG5] a failure while the server is away is told when it is back', async () => {
  control.script({ fault: { kind: 'hold-headers' } });
  const lease = makeLease();
  office.give(lease);
  await eventually('the request', () => control.held === 1);
  await office.stop();
  await model.close();
  await eventually('that the turn was given up', () => brain.probes === 1);
  office.messages.length = 0;
  await office.start();
  await eventually('that it is told', () => office.said('released').length === 1 && office.said('brain').length === 1);
  expect(office.said('released')[0]?.turn).toBe(lease.turn);
  expect(office.messages.map(({ type }) => type).slice(0, 3)).toEqual(['hello', 'released', 'heartbeat']);
});

test('[AG5] a worker that stops gives its leases back', async () => {
  control.script({ fault: { kind: 'hold-headers' } });
  const lease = makeLease();
  office.give(lease);
  await eventually('the request', () => control.held === 1);
  stopping.abort();
  await running;
  await eventually('that the link is closed', () => !office.hasLink);
  expect(office.said('released')).toMatchObject([{ turn: lease.turn, attempt: 1 }]);
  expect(control.requests[0]?.closedEarlyAtMs).not.toBeNull();
});

test('[AG5] reconnects come later and later, up to a bound, and never in step', () => {
  const waits = [0, 1, 2, 3, 20].map((failures) => backoffMs(failures, 1));
  expect(waits.slice(0, 4)).toEqual([250, 500, 1_000, 2_000]);
  expect(waits.at(-1)).toBe(MAX_BACKOFF_MS);
  expect(backoffMs(3, 0)).toBe(1_000);
});
