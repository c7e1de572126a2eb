import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { scriptedAnswer } from '../../agents/rehearsal/script.ts';
import { LEASE_MS } from '../../sync-server/protocol/turn.ts';
import { PATIENCE_MS, TestBrowser, type TestDevice } from '../support/browser.ts';
import {
  begin,
  eventuallyShown,
  expectSame,
  isQuiet,
  memberEnters,
  ownerEnters,
  type ShownEntry,
  say,
} from '../support/office-page.ts';
import { RunningOffice } from '../support/running-office.ts';

/** Between two words: a reply of fifty words takes some seconds. */
const CHUNK_MS = 60;

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

const isBeingWritten = (entries: readonly ShownEntry[]): boolean =>
  entries.some(({ step, state, text }) => step === 'answer' && state === 'open' && text.split(/\s+/).length > 8);

/** The words that the model was heard to say to its last request, as the timeline shows plain text. */
async function lastWords(): Promise<string[]> {
  const { requests } = await office.model.report();
  return words(scriptedAnswer(requests.at(-1)?.body.messages ?? []));
}

/** Without what Markdown makes of lists and paragraphs. */
const words = (text: string): string[] => text.split(/[\s-]+/).filter((word) => word !== '');

test('a server killed mid-stream comes back with every saved word, and the answer ends with no token twice', async () => {
  const place = await begin(owner.page, '/executive', 'What if the power goes?');
  await member.page.goto(place);
  await say(member.page, 'I read along');
  const before = await eventuallyShown(
    owner.page,
    'two saved messages and an answer being written',
    (now) => isBeingWritten(now) && now.filter(({ step, state }) => step === null && state === 'tick').length === 2,
  );
  const soFar = before.find(({ step, text }) => step === 'answer' && text !== '')?.text ?? '';

  await office.killServer();
  await owner.page.getByText(/offline, what you write is kept/).waitFor();
  const kept = (await eventuallyShown(owner.page, 'the words so far', (now) => now.length >= 3)).map(
    ({ text }) => text,
  );
  expect(kept.some((text) => text.startsWith(soFar))).toBe(true);
  await say(owner.page, 'Written while it was away');
  await office.startServer();

  const entries = await eventuallyShown(
    owner.page,
    'an answer to each of three messages',
    (now) => now.length === 6 && isQuiet(now),
    60_000,
  );
  expect(await expectSame([owner.page, member.page], 6)).toEqual(entries);
  expect(entries.filter(({ step }) => step === 'answer').map(({ outcome }) => outcome)).toEqual([
    'done',
    'done',
    'done',
  ]);
  const said = (await office.model.report()).requests.map(({ body }) => words(scriptedAnswer(body.messages)));
  for (const { step, text } of entries) if (step === 'answer') expect(said).toContainEqual(words(text));
  for (const { id, text, step } of before) {
    if (step === null) expect(entries.find((entry) => entry.id === id)?.text).toBe(text);
  }
  await member.page.reload();
  expect(await expectSame([owner.page, member.page], 6)).toEqual(entries);
});

test('a worker killed mid-stream is followed by one that takes the turn up again: one reply', async () => {
  const place = await begin(owner.page, '/agents/engineering/synth', 'Who goes on when you fall?');
  await member.page.goto(place);
  await eventuallyShown(member.page, 'an answer being written', isBeingWritten);
  await office.killWorker();
  await office.startWorker();
  const entries = await eventuallyShown(
    owner.page,
    'one finished answer',
    (now) => now.length === 2 && now[1]?.outcome === 'done' && isQuiet(now),
    LEASE_MS + 2 * PATIENCE_MS,
  );
  expect(words(entries[1]?.text ?? '')).toEqual(await lastWords());
  await member.page.reload();
  expect(await expectSame([owner.page, member.page], 2)).toEqual(entries);
});

test('an answer that nobody watches survives a killed server and stands there whole for whoever comes back', async () => {
  const place = await begin(owner.page, '/executive', 'Will you finish when we are gone?');
  await member.page.goto(place);
  await eventuallyShown(member.page, 'an answer being written', isBeingWritten);
  await Promise.all([owner.page.goto('about:blank'), member.page.goto('about:blank')]);
  await office.killServer();
  await office.startServer();
  await expect.poll(async () => (await office.model.report()).running, { timeout: LEASE_MS + 2 * PATIENCE_MS }).toBe(0);
  await Promise.all([owner.page.goto(place), member.page.goto(place)]);
  const entries = await expectSame([owner.page, member.page], 2);
  expect(entries[1]?.outcome).toBe('done');
  expect(words(entries[1]?.text ?? '')).toEqual(await lastWords());
});
