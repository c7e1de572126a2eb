import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HEARTBEAT_MS, LEASE_MS, MAX_ATTEMPTS } from '../../../sync-server/protocol/turn.ts';
import { RELEASED_HOLD_MS, RETRY_MS, SWEEP_MS } from '../../../sync-server/scheduler/scheduler.ts';
import { flush } from './manual-clock.ts';
import { TestOffice, type TestWorker } from './test-office.ts';

const EXECUTIVE = { type: 'executive', id: 'daena' } as const;
const FINANCE = { type: 'department', id: 'finance' } as const;
const COUNCIL = { type: 'council', id: 'finance' } as const;

let office: TestOffice;
beforeEach(() => {
  office = new TestOffice();
});
afterEach(() => {
  expect(office.logged).toEqual([]);
  office.close();
});

const states = () => office.turns.unsettled().map(({ agent, state }) => `${agent} ${state}`);
const outcomes = () => office.replies().map(({ author, outcome }) => `${author} ${outcome}`);

/** Lives for `ms` with a heartbeat in time. */
async function work(worker: TestWorker, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += HEARTBEAT_MS) {
    worker.heartbeat();
    await office.clock.advance(Math.min(HEARTBEAT_MS, ms - passed));
  }
}

describe('a turn', () => {
  test('[TU2] is leased, tells its phases, and is done by its reply', async () => {
    const session = office.session(EXECUTIVE);
    const cause = await office.say(session, 'ann', 'Hello?');
    const worker = await office.worker();
    const job = worker.job();
    expect(job).toMatchObject({ agent: 'daena', step: 'answer', attempt: 1, cause, leftOut: 0, debate: null });
    expect(job.question).toEqual({ authorName: 'Person ann', body: 'Hello?' });
    worker.phase(job, 'reading');
    worker.phase(job, 'writing');
    expect(office.scheduler.view(job.turn)).toMatchObject({ state: 'writing', model: 'test-model', attempt: 1 });
    expect(worker.reply(job, 'Hello!')).toBe(true);
    expect(office.scheduler.views(session)).toEqual([]);
    expect(office.toldViews().get(job.turn)).toMatchObject({ state: 'done', place: null });
    expect(worker.aborted).toEqual([]);
    expect(worker.reply(job, 'Hello again!')).toBe(false);
  });

  test('[TU3] lives as long as its worker says so, and is tried again when it does not', async () => {
    await office.say(office.session(EXECUTIVE), 'ann', 'Hello?');
    const worker = await office.worker();
    const first = worker.job();
    worker.write(first, 'The text so far');
    await work(worker, 3 * LEASE_MS);
    expect(worker.live()).toHaveLength(1);
    await office.clock.advance(LEASE_MS + SWEEP_MS + RETRY_MS);
    expect(worker.aborted).toEqual([first.rowId]);
    expect(office.rows.size).toBe(0);
    expect(worker.write(first, 'too late')).toBe(false);
    expect(worker.job()).toMatchObject({ turn: first.turn, attempt: 2 });
    expect(worker.job().clientId).not.toBe(first.clientId);
  });

  test('[TU3] fails after the last attempt, with the best text that any attempt left', async () => {
    await office.say(office.session(EXECUTIVE), 'ann', 'Hello?');
    const worker = await office.worker();
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const job = worker.job();
      worker.write(job, attempt === 2 ? 'a long text of the second' : 'short');
      worker.failed(job, false);
      await office.clock.advance(RETRY_MS);
    }
    const error = { code: 'model', message: 'the model fell over' };
    expect(office.replies()).toMatchObject([{ outcome: 'failed', body: 'a long text of the second', error }]);
    expect(worker.live()).toEqual([]);
    expect(office.rows.size).toBe(0);
  });

  test('[TU3] fails at once where trying again does not help', async () => {
    await office.say(office.session(EXECUTIVE), 'ann', 'Hello?');
    const worker = await office.worker();
    worker.failed(worker.job(), true);
    await flush();
    expect(outcomes()).toEqual(['daena failed']);
  });

  test('[TU4] given back goes to the queue uncounted, says why, and is not tried in a loop', async () => {
    const session = office.session(EXECUTIVE);
    await office.say(session, 'ann', 'Hello?');
    const worker = await office.worker();
    for (let times = 1; times <= 2 * MAX_ATTEMPTS; times++) {
      expect(worker.jobs).toHaveLength(times);
      worker.released(worker.job());
      await office.clock.advance(RELEASED_HOLD_MS - 1);
      expect(worker.jobs).toHaveLength(times);
      expect(office.scheduler.views(session)).toMatchObject([
        { state: 'queued', place: 1, waiting_for: 'Ollama does not answer' },
      ]);
      await office.clock.advance(1);
    }
    worker.released(worker.job());
    const before = worker.jobs.length;
    worker.brain(true);
    await flush();
    expect(worker.jobs).toHaveLength(before + 1);
    expect(office.scheduler.views(session)).toMatchObject([{ state: 'loading', waiting_for: null }]);
  });

  test('[TU4] waits for a room that refuses', async () => {
    await office.say(office.session(EXECUTIVE), 'ann', 'Hello?');
    office.isRefusing = true;
    const worker = await office.worker();
    await office.clock.advance(3 * RETRY_MS);
    expect(worker.jobs).toEqual([]);
    expect(office.logged.splice(0).length).toBeLessThanOrEqual(4);
    office.isRefusing = false;
    await office.clock.advance(RETRY_MS);
    expect(worker.live()).toHaveLength(1);
  });
});

describe('stopping', () => {
  test('[TU5] ends a turn in every state, at once, with the text so far', async () => {
    for (const phase of ['queued', 'loading', 'reading', 'writing'] as const) {
      await office.say(office.session(EXECUTIVE), 'ann', 'Hello?');
      const turn = office.turns.unsettled()[0];
      if (!turn) throw new Error('no turn');
      if (phase === 'queued') {
        await office.scheduler.stopTurn(turn.turn, 1, 'bo');
      } else {
        const worker = await office.worker();
        const job = worker.job();
        if (phase !== 'loading') worker.phase(job, phase);
        if (phase === 'writing') worker.write(job, 'so far');
        const stopping = office.scheduler.stopTurn(job.turn, job.attempt, 'bo');
        expect(worker.aborted).toEqual([job.rowId]);
        expect(worker.reply(job, 'too late')).toBe(false);
        expect(await stopping).toBe('stopped');
        worker.close();
      }
      const body = phase === 'writing' ? 'so far' : '';
      expect(office.replies().at(-1)).toMatchObject({ id: turn.turn, outcome: 'stopped', by: 'bo', body });
      expect(office.turns.get(turn.turn)?.state).toBe('stopped');
      expect(await office.scheduler.stopTurn(turn.turn, 1, 'bo')).toBe('final');
    }
    expect(office.rows.size).toBe(0);
    expect(office.replies()).toHaveLength(4);
  });

  test('[TU5] by an entry counts for the attempt it means, or while queued, and for nothing that is over', async () => {
    const session = office.session(EXECUTIVE);
    const stop = (turn: string, attempt: number) => {
      const entry = { ...office.common('bo'), kind: 'stop' as const, turn: office.turns.get(turn)?.turn, attempt };
      if (!entry.turn) throw new Error('no turn');
      return office.enter(session, { ...entry, turn: entry.turn });
    };
    await office.say(session, 'ann', 'Hello?');
    const worker = await office.worker();
    const job = worker.job();
    expect(await office.scheduler.stopTurn(job.turn, 7, 'bo')).toBe('stale');
    await stop(job.turn, 7);
    expect(outcomes()).toEqual([]);
    await stop(job.turn, 1);
    expect(outcomes()).toEqual(['daena stopped']);
    await stop(job.turn, 1);
    expect(outcomes()).toEqual(['daena stopped']);
    expect(await office.scheduler.stopTurn('r_nothing', 1, 'bo')).toBe('unknown');
  });

  test('[TU5] is not lost where the room refuses, nor where the server dies in between', async () => {
    await office.say(office.session(EXECUTIVE), 'ann', 'Hello?');
    const worker = await office.worker();
    const job = worker.job();
    office.isRefusing = true;
    await office.scheduler.stopTurn(job.turn, 1, 'bo');
    await office.restart();
    expect(outcomes()).toEqual([]);
    office.isRefusing = false;
    await office.clock.advance(5_000);
    expect(office.replies()).toMatchObject([{ outcome: 'stopped', by: 'bo' }]);
    office.logged.splice(0);
  });

  test('[TU5] happens to everything in a session that goes to the bin, and to what a disabled person had queued', async () => {
    const [one, other] = [office.session(FINANCE), office.session(EXECUTIVE)];
    await office.say(one, 'ann', 'Hello?');
    await office.say(other, 'ann', 'And you?');
    await office.say(other, 'bo', 'And me?');
    await office.enter(one, { ...office.common('office'), kind: 'binned', by: 'ann' });
    await office.clock.advance(0);
    expect(new Set(office.replies().map(({ outcome, by }) => `${outcome} by ${by}`))).toEqual(
      new Set(['stopped by ann']),
    );
    expect(office.replies()).toHaveLength(6);
    office.scheduler.cancelQueuedOf('ann');
    await flush();
    expect(states()).toEqual(['daena queued']);
    expect(office.turns.openOf('bo')).toHaveLength(1);
  });
});

describe('the queue', () => {
  test('[TU6] is fair between people, then between the rooms of one person, and shows everyone their place', async () => {
    const rooms = { a: office.session(EXECUTIVE), b: office.session(EXECUTIVE), c: office.session(EXECUTIVE) };
    const said = new Map<string, string>();
    const say = async (room: string, person: string, body: string) =>
      said.set(await office.say(room, person, body), body);
    await say(rooms.a, 'ann', 'ann 1 in a');
    await say(rooms.a, 'ann', 'ann 2 in a');
    await say(rooms.b, 'ann', 'ann 1 in b');
    await say(rooms.c, 'bo', 'bo 1 in c');
    await say(rooms.c, 'bo', 'bo 2 in c');
    await office.clock.advance(1_000);
    const places = [...office.toldViews().values()].map(({ cause, place }) => [said.get(cause), place]);
    const inOrder = ['ann 1 in a', 'bo 1 in c', 'ann 1 in b', 'bo 2 in c', 'ann 2 in a'];
    expect(Object.fromEntries(places)).toEqual(Object.fromEntries(inOrder.map((body, index) => [body, index + 1])));
    const worker = await office.worker();
    const served: (string | undefined)[] = [];
    while (worker.live().length > 0) {
      served.push(said.get(worker.job().cause));
      worker.reply(worker.job(), 'x');
      await flush();
    }
    expect(served).toEqual(inOrder);
  });

  test('[TU6] never gives a worker more than its slots', async () => {
    await office.say(office.session(FINANCE), 'ann', 'Hello?');
    const worker = await office.worker(2);
    expect(worker.live()).toHaveLength(2);
    worker.reply(worker.job(), 'x');
    await flush();
    expect(worker.live()).toHaveLength(2);
    expect(worker.jobs).toHaveLength(3);
  });

  test('[TU7] says why it waits where no worker is connected', async () => {
    const session = office.session(EXECUTIVE);
    await office.say(session, 'ann', 'Hello?');
    expect(office.scheduler.brainStatus()).toMatchObject({ connected: false, llm_available: false });
    expect(office.scheduler.views(session)).toMatchObject([
      { place: 1, waiting_for: expect.stringContaining('not running') },
    ]);
    const worker = await office.worker();
    worker.brain(true);
    expect(office.scheduler.brainStatus()).toMatchObject({ connected: true, active_model: 'test-model' });
    await office.clock.advance(1_000);
    worker.close();
    await office.clock.advance(1_000);
    expect(office.scheduler.brainStatus().connected).toBe(false);
    expect(office.events.flatMap((event) => (event.type === 'brain.status' ? event.payload.connected : []))).toEqual([
      false,
      true,
      false,
    ]);
  });

  test('[TU7] tells a view only when it changed', async () => {
    await office.say(office.session(FINANCE), 'ann', 'Hello?');
    const worker = await office.worker(1);
    await work(worker, 60_000);
    const told = office.events
      .filter(({ type }) => type === 'turn.updated')
      .map((event) => JSON.stringify(event.payload));
    expect(new Set(told).size).toBe(told.length);
    expect(told.length).toBeLessThan(40);
  });
});

describe('stages', () => {
  test('[TU8] the spokesperson answers after all notes, with those that came, and knows who brought nothing', async () => {
    await office.say(office.session(FINANCE), 'ann', 'Hello?');
    const worker = await office.worker(8);
    expect(worker.live().map(({ step }) => step)).toEqual(['note', 'note', 'note', 'note', 'note']);
    const [first, second, third, ...others] = worker.live();
    if (!first || !second || !third) throw new Error('no notes');
    worker.failed(first, true);
    worker.write(second, 'half a note');
    await office.scheduler.stopTurn(second.turn, 1, 'ann');
    await office.scheduler.stopTurn(third.turn, 1, 'ann');
    for (const [index, job] of others.entries()) {
      expect(worker.live().map(({ step }) => step)).not.toContain('answer');
      worker.reply(job, `note ${index}`);
      await flush();
    }
    const answer = worker.job('finance/synth');
    expect(answer.material.map(({ body }) => body)).toEqual(['half a note', 'note 0', 'note 1']);
    expect(answer.missing).toEqual([
      { agent: first.agent, reason: 'the model fell over' },
      { agent: third.agent, reason: 'stopped' },
    ]);
    worker.reply(answer, 'Together');
    expect(office.turns.unsettled()).toEqual([]);
  });

  test('[TU8] notes are stopped with the answer that they are for', async () => {
    await office.say(office.session(FINANCE), 'ann', 'Hello?');
    const worker = await office.worker(2);
    const answer = office.turns.unsettled().find(({ step }) => step === 'answer');
    await office.scheduler.stopTurn(answer?.turn ?? '', 1, 'bo');
    await flush();
    expect(office.replies()).toHaveLength(6);
    expect(new Set(office.replies().map(({ outcome, by }) => `${outcome} ${by}`))).toEqual(new Set(['stopped bo']));
    expect(worker.aborted).toHaveLength(2);
  });

  const debate = async (seats: string[]) => {
    const session = office.session(COUNCIL);
    const entry = {
      ...office.common('ann'),
      kind: 'debate' as const,
      topic: 'Bonds?',
      preset: 'quick' as const,
      seats,
    };
    return { session, debate: entry.id, id: await office.enter(session, entry) };
  };

  test('[TU9] a council with a quorum synthesises, then dissents, and hears what people said meanwhile', async () => {
    const { session } = await debate(['oracle', 'macro', 'quant']);
    const worker = await office.worker(4);
    await office.say(session, 'bo', 'Think of inflation');
    worker.failed(worker.job('council/finance/quant'), true);
    worker.reply(worker.job('council/finance/oracle'), 'Buy');
    worker.reply(worker.job('council/finance/macro'), 'Sell');
    await flush();
    const synthesis = worker.job('council/finance/chair');
    expect(synthesis.question.body).toBe('Bonds?');
    expect(synthesis.debate).toEqual({ council: 'finance', topic: 'Bonds?', preset: 'quick' });
    expect(synthesis.material.map(({ body }) => body)).toEqual(['Buy', 'Sell']);
    expect(synthesis.missing).toEqual([{ agent: 'council/finance/quant', reason: 'the model fell over' }]);
    expect(synthesis.context.map(({ body }) => body)).toContain('Think of inflation');
    worker.reply(synthesis, 'Hold');
    await flush();
    const dissent = worker.job('council/finance/oracle');
    expect(dissent).toMatchObject({ step: 'dissent' });
    expect(dissent.material.map(({ step }) => step)).toEqual(['position', 'position', 'synthesis']);
  });

  test('[TU9] a council without a quorum has no synthesis and no dissent, and says so', async () => {
    await debate(['oracle', 'macro', 'quant', 'venture']);
    const worker = await office.worker(4);
    for (const seat of ['oracle', 'macro']) worker.reply(worker.job(`council/finance/${seat}`), 'Buy');
    for (const seat of ['quant', 'venture']) worker.failed(worker.job(`council/finance/${seat}`), true);
    await flush();
    const failed = office.replies().filter(({ step }) => step === 'synthesis' || step === 'dissent');
    expect(failed.map(({ step, outcome, error }) => [step, outcome, error?.code])).toEqual([
      ['synthesis', 'failed', 'no_quorum'],
      ['dissent', 'failed', 'no_synthesis'],
    ]);
    expect(failed[0]?.error?.message).toBe('Seat answers (no council): 2 of 4 seats answered, 3 are needed.');
  });

  test('[TU9] a person ends the positions: the chair synthesises what is there', async () => {
    const { session } = await debate(['oracle', 'macro', 'quant']);
    const id = office.turns.unsettled()[0]?.cause;
    const worker = await office.worker(3);
    worker.reply(worker.job('council/finance/oracle'), 'Buy');
    worker.reply(worker.job('council/finance/macro'), 'Sell');
    if (!id) throw new Error('no debate');
    await office.enter(session, { ...office.common('bo'), kind: 'synthesize', debate: id });
    await flush();
    expect(worker.job('council/finance/chair').missing).toEqual([
      { agent: 'council/finance/quant', reason: 'stopped' },
    ]);
  });
});

describe('when something goes away', () => {
  test('[TU10] a worker that comes back in time goes on with its lease; its slot is not given away', async () => {
    const session = office.session(EXECUTIVE);
    await office.say(session, 'ann', 'One?');
    await office.say(session, 'ann', 'Two?');
    const worker = await office.worker(1);
    const job = worker.job();
    worker.close();
    await office.clock.advance(LEASE_MS / 2);
    const back = await office.worker(1);
    expect(back.jobs).toEqual([]);
    back.heartbeat([job]);
    await office.clock.advance(LEASE_MS - 1_000);
    expect(back.reply(job, 'Here I am')).toBe(true);
    await flush();
    expect(back.jobs).toHaveLength(1);
  });

  test('[TU10] what a worker does not list after its hello is queued again at once', async () => {
    await office.say(office.session(EXECUTIVE), 'ann', 'One?');
    const worker = await office.worker(1);
    const job = worker.job();
    worker.write(job, 'half');
    worker.close();
    const back = await office.worker(1);
    back.heartbeat([]);
    await office.clock.advance(RETRY_MS);
    expect(back.job()).toMatchObject({ turn: job.turn, attempt: 2 });
    expect(office.turns.get(job.turn)?.partial).toBe('half');
    back.heartbeat([job]);
    expect(back.aborted).toEqual([job.rowId]);
  });

  test('[TU10] the server restarts: who kept on writing keeps its lease and its client id', async () => {
    await office.say(office.session(EXECUTIVE), 'ann', 'One?');
    const job = (await office.worker(1)).job();
    await office.restart();
    expect(office.leases.byClient(job.document, job.clientId)).toMatchObject({ turn: job.turn, attempt: 1 });
    const back = await office.worker(1);
    back.jobs.push(job);
    await work(back, 3 * LEASE_MS);
    expect(back.reply(job, 'Still here')).toBe(true);
    expect(back.jobs).toEqual([job]);
  });

  test('[TU10] the server restarts and the worker does not: the lease has one more period', async () => {
    await office.say(office.session(EXECUTIVE), 'ann', 'One?');
    const job = (await office.worker(1)).job();
    await office.clock.advance(LEASE_MS - 1_000);
    await office.restart();
    await office.clock.advance(LEASE_MS - 1_000);
    expect(office.leases.byTurn(job.turn, 1)).toBeDefined();
    await office.clock.advance(1_000 + SWEEP_MS);
    expect(office.leases.byTurn(job.turn, 1)).toBeUndefined();
    expect(states()).toEqual(['daena queued']);
  });

  test('[TU3] the machine sleeps for an hour: leases get another period before they are taken away', async () => {
    await office.say(office.session(EXECUTIVE), 'ann', 'One?');
    const worker = await office.worker(1);
    const job = worker.job();
    await office.clock.sleep(3_600_000);
    expect(worker.live()).toHaveLength(1);
    worker.heartbeat();
    expect(worker.reply(job, 'Good morning')).toBe(true);
  });

  test('[INV5] a reply that was accepted but not projected when its lease ran out ends the turn all the same', async () => {
    await office.say(office.session(EXECUTIVE), 'ann', 'One?');
    const worker = await office.worker(1);
    const job = worker.job();
    worker.reply(job, 'Done', { isProjected: false });
    await office.clock.advance(LEASE_MS + SWEEP_MS + RETRY_MS);
    const second = worker.job();
    expect(second.attempt).toBe(2);
    worker.write(second, 'again');
    office.project();
    await flush();
    expect(office.turns.get(job.turn)?.state).toBe('done');
    expect(worker.aborted).toEqual([second.rowId]);
    expect(office.rows.size).toBe(0);
    expect(outcomes()).toEqual(['daena done']);
  });

  test('[TU10] draining leases nothing more and leaves leases alive', async () => {
    const session = office.session(EXECUTIVE);
    await office.say(session, 'ann', 'One?');
    const worker = await office.worker(2);
    await office.scheduler.drain(AbortSignal.timeout(10_000));
    await office.say(session, 'ann', 'Two?');
    await office.clock.advance(1_000);
    expect(worker.jobs).toHaveLength(1);
    expect(worker.reply(worker.job(), 'One')).toBe(true);
  });
});
