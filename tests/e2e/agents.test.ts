import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { scriptedAnswer } from '../../agents/rehearsal/script.ts';
import { MAX_ATTEMPTS } from '../../sync-server/protocol/turn.ts';
import { PATIENCE_MS, TestBrowser, type TestDevice } from '../support/browser.ts';
import {
  begin,
  composer,
  conversation,
  eventuallyShown,
  expectSame,
  isQuiet,
  memberEnters,
  ownerEnters,
  say,
} from '../support/office-page.ts';
import { RunningOffice } from '../support/running-office.ts';

/** Between two words: slow enough to be watched, fast enough to end within seconds. */
const CHUNK_MS = 15;

/** From the click to the closed request, the machine's other work included; alone it takes some 100 ms. */
const STOP_MS = 3_000;

let office: RunningOffice;
let browser: TestBrowser;
let owner: TestDevice;
let member: TestDevice;

beforeAll(async () => {
  [office, browser] = await Promise.all([RunningOffice.start({ chunkDelayMs: CHUNK_MS }), TestBrowser.launch()]);
  owner = await ownerEnters(browser, office);
  member = await memberEnters(browser, office, owner, 'Ben');
});
afterEach(async () => {
  await office.model.reset();
});
afterAll(async () => {
  try {
    await browser.closeDevices();
  } finally {
    await browser.close();
    await office.stop();
  }
});

test('a department answers with five notes and then its Synthesizer, word by word in both browsers', async () => {
  await office.model.script({ fault: { kind: 'hold-headers' }, times: 2 });
  const place = await begin(owner.page, '/departments/finance', 'What does a second office cost?');
  await member.page.goto(place);

  // Before the first token: the note-takers stand there with their phase.
  await expect.poll(async () => (await office.model.report()).held, { timeout: PATIENCE_MS }).toBe(2);
  for (const { page } of [owner, member]) {
    const notes = conversation(page).getByText('5 notes, 5 still being written');
    await notes.click();
    await conversation(page)
      .getByText(/^(Loading|Reading)/)
      .first()
      .waitFor();
    await conversation(page)
      .getByText(/^Queued/)
      .first()
      .waitFor();
  }
  await office.model.script({ fault: { kind: 'slow', chunkDelayMs: 60 }, ifMessagesContain: 'Synthesizer' });
  await office.model.release();

  const seen = await Promise.all(
    [owner, member].map(({ page }) => lengthsWhileStreaming(page, ({ step }) => step === 'answer')),
  );
  for (const lengths of seen) expect(new Set(lengths).size).toBeGreaterThan(3);

  const entries = await expectSame([owner.page, member.page], 7);
  expect(entries.map(({ step, outcome }) => [step, outcome])).toEqual([
    [null, null],
    ['answer', 'done'],
    ...Array.from({ length: 5 }, () => ['note', 'done']),
  ]);
  expect(entries[1]?.author).toBe('Zoe Accounting');
  await member.page.reload();
  expect(await expectSame([owner.page, member.page], 7)).toEqual(entries);
});

/** Looks at the growing text of an open bubble until it is finished; answers every length that it had. */
async function lengthsWhileStreaming(
  page: TestDevice['page'],
  isIt: (entry: { step: string | null }) => boolean,
): Promise<number[]> {
  const lengths: number[] = [];
  await eventuallyShown(page, 'a finished answer', (entries) => {
    const entry = entries.find(isIt);
    if (entry?.state === 'open') lengths.push(entry.text.length);
    return entry?.state === 'tick';
  });
  return lengths;
}

test('Stop in one browser ends what another asked for while Ollama still holds its headers', async () => {
  await office.model.script({ fault: { kind: 'hold-headers' }, ifMessagesContain: 'long plan' });
  const place = await begin(owner.page, '/executive', 'Write me a long plan');
  await member.page.goto(place);
  await expect.poll(async () => (await office.model.report()).held, { timeout: PATIENCE_MS }).toBe(1);

  const stoppedAtMs = Date.now();
  await conversation(member.page).getByRole('button', { name: 'Stop' }).click();
  await conversation(member.page).getByText('Stopped by you').waitFor();
  await conversation(owner.page).getByText('Stopped by Ben').waitFor();
  const closings = async () => (await office.model.report()).requests.map(({ closedEarlyAtMs }) => closedEarlyAtMs);
  await expect.poll(closings, { timeout: PATIENCE_MS }).toEqual([expect.any(Number)]);
  expect(((await closings())[0] ?? Number.POSITIVE_INFINITY) - stoppedAtMs).toBeLessThan(STOP_MS);

  await conversation(owner.page).getByRole('button', { name: 'Retry' }).click();
  const entries = await eventuallyShown(
    member.page,
    'an answer after the retry',
    (now) => now.length === 2 && now[1]?.outcome === 'done' && isQuiet(now),
  );
  expect(await expectSame([owner.page, member.page], 2)).toEqual(entries);
});

test('a reply that fails mid-stream keeps its words and says why, and Retry gives another version', async () => {
  await office.model.script({
    fault: { kind: 'fail-mid-stream', afterChunks: 6, message: 'out of memory' },
    times: MAX_ATTEMPTS,
  });
  await begin(owner.page, '/executive', 'Count to ten');
  await conversation(owner.page)
    .getByText(/out of memory/)
    .waitFor();
  const [, failed] = await eventuallyShown(owner.page, 'the failed answer', (now) => now[1]?.outcome === 'failed');
  expect(failed?.text).not.toBe('');

  await conversation(owner.page).getByRole('button', { name: 'Retry' }).click();
  await eventuallyShown(owner.page, 'a second version', (now) => now[1]?.outcome === 'done');
  await conversation(owner.page).getByText('2/2').waitFor();
});

test('a council takes positions, the chair brings them together, and people write in between', async () => {
  await owner.page.goto('/councils/finance');
  await owner.page.getByRole('textbox', { name: 'Question for the council' }).fill('Should we lend or borrow?');
  await owner.page.getByRole('button', { name: 'Start debate' }).click();
  await owner.page.waitForURL(/\/s\//);
  await member.page.goto(new URL(owner.page.url()).pathname);

  await eventuallyShown(member.page, 'a position being written', (now) =>
    now.some(({ step, state, text }) => step === 'position' && state === 'open' && text !== ''),
  );
  await say(member.page, 'Remember the loan of last year.');
  const entries = await eventuallyShown(
    owner.page,
    'the whole debate',
    (now) => isQuiet(now) && now.some(({ step }) => step === 'dissent'),
  );
  expect(entries.map(({ step }) => step).toSorted()).toEqual(
    [null, null, 'dissent', ...Array.from({ length: 5 }, () => 'position'), 'synthesis'].toSorted(),
  );
  expect(entries.some(({ text }) => text === 'Remember the loan of last year.')).toBe(true);
  const steps = entries.flatMap(({ step }) => step ?? []);
  expect(steps.indexOf('synthesis')).toBeGreaterThan(steps.lastIndexOf('position'));

  await member.page.reload();
  expect(await expectSame([owner.page, member.page], entries.length)).toEqual(entries);
});

test('@ and the keyboard choose the one agent who answers in a general conversation', async () => {
  await owner.page.goto('/general');
  const box = composer(owner.page);
  await box.pressSequentially('Please @penn');
  await owner.page.getByRole('option', { name: /Penny Wise/ }).waitFor();
  await box.press('Enter');
  await box.pressSequentially('tell us the budget');
  await box.press('Enter');
  await owner.page.waitForURL(/\/s\//);
  await member.page.goto(new URL(owner.page.url()).pathname);
  const entries = await expectSame([owner.page, member.page], 2);
  expect(entries[0]?.text).toBe('Please @Penny Wise tell us the budget');
  expect(entries[1]?.author).toBe('Penny Wise');
  const { requests } = await office.model.report();
  expect(entries[1]?.text.length).toBeGreaterThan(0);
  expect(requests).toHaveLength(1);
  expect(scriptedAnswer(requests[0]?.body.messages ?? [])).toContain('Penny Wise');
});
