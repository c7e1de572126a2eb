import { expect, test } from 'vitest';
import type { PersonEntry } from '../../../sync-server/protocol/entry.ts';
import { fold } from '../../../sync-server/protocol/fold.ts';
import { ulid } from '../../support/entries.ts';
import { type HeldOffice, openHeldOffice } from '../../support/office-in-process.ts';
import { connect } from '../../support/office-peer.ts';
import { OfficeWorker } from '../../support/office-worker.ts';
import { until } from '../../support/until.ts';

const LIMITS = { entries: 5, bytes: 100_000, sealedEntries: 40, sealedBytes: 200_000 };

async function askDaena(office: HeldOffice) {
  const { caller } = office.owner;
  const { session_id: id } = await caller.call('startDaenaChat', { body: {} });
  await caller.call('postMessage', { params: { id }, body: { content: 'What now?' } });
  return id;
}

const liveOf = async (office: HeldOffice, id: string): Promise<string> =>
  (await office.owner.caller.call('session', { params: { id } })).session.documents.live;

test('[SG4] [SG9] an agent finishes where it began, is named as late, and the next one begins in the live segment', async () => {
  const office = await openHeldOffice({ segmentLimits: LIMITS });
  const { caller, me } = office.owner;
  const id = await askDaena(office);
  const worker = await OfficeWorker.connect(office, 1);
  const first = await until('a job', () => worker.jobs[0]);
  expect(first.document).toBe(`session/${id}/1`);
  const atWork = await worker.begin(first);
  const person = await connect(caller, first.document, { receipts: true }).synced();
  const title = (n: number): PersonEntry => {
    return { id: ulid(n), kind: 'title', author: me.id, at: Date.now() + n, title: `title ${n}` };
  };
  // One short of twice the limit: the agent keeps the segment open.
  for (let n = 1; n <= 7; n++) person.write(title(n));
  await until('all is saved', () => person.isSaved);
  expect(await liveOf(office, id)).toBe(`session/${id}/1`);
  expect((await caller.call('session', { params: { id } })).turns).toMatchObject([{ segment: 1, state: 'loading' }]);
  person.write(title(8));
  await until('the next segment', async () => (await liveOf(office, id)) === `session/${id}/2`);
  const live = await connect(caller, `session/${id}/2`).synced();
  worker.finish(atWork, first);
  await until('the answer is saved', () => atWork.isSaved);
  const named = await until('the answer is named', () => live.entries.find(({ kind }) => kind === 'arrived'));
  expect(named).toMatchObject({ ids: [first.turn] });
  await caller.call('postMessage', { params: { id }, body: { content: 'And then?' } });
  const second = await until('another job', () => worker.jobs[1]);
  expect(second.document).toBe(`session/${id}/2`);
  expect(second.context.map(({ body }) => body)).toEqual(['What now?', 'an answer', 'And then?']);
  expect(second.newestAt).toBeGreaterThan(named.at);
  const page = await caller.call('segment', { params: { id, n: '1' } });
  expect(fold(page.entries).items.at(-1)).toMatchObject({ id: first.turn, arrivedAt: named.at });
});

test('[SG9] a turn that nobody worked on is ended in the live segment', async () => {
  const office = await openHeldOffice({ segmentLimits: LIMITS });
  const { caller } = office.owner;
  const id = await askDaena(office);
  for (let n = 1; n <= 5; n++) await caller.call('renameSession', { params: { id }, body: { title: `title ${n}` } });
  expect(await liveOf(office, id)).toBe(`session/${id}/2`);
  const [turn] = (await caller.call('session', { params: { id } })).turns;
  expect(turn).toMatchObject({ state: 'queued', segment: null });
  await caller.call('stopTurn', { params: { id: turn?.turn ?? '' }, body: { attempt: 1 } });
  const { entries } = await caller.call('segment', { params: { id, n: '2' } });
  expect(entries.at(-1)).toMatchObject({ kind: 'reply', outcome: 'stopped', id: turn?.turn });
});
