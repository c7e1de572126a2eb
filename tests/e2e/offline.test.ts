import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ROUTES } from '../../sync-server/protocol/api.ts';
import { PATIENCE_MS, TestBrowser, type TestDevice } from '../support/browser.ts';
import { NetworkCable } from '../support/network-cable.ts';
import {
  begin,
  composer,
  conversation,
  eventuallyShown,
  expectSame,
  isQuiet,
  memberEnters,
  ownerEnters,
  type ShownEntry,
  say,
  signIn,
} from '../support/office-page.ts';
import { OWNER, RunningOffice } from '../support/running-office.ts';

let office: RunningOffice;
let browser: TestBrowser;
let cable: NetworkCable;
let ada: TestDevice;

beforeAll(async () => {
  [office, browser] = await Promise.all([RunningOffice.start(), TestBrowser.launch()]);
});
beforeEach(async () => {
  cable = await NetworkCable.lay();
  ada = await ownerEnters(browser, office, { proxy: { server: cable.address } });
  // From here on the page also opens without a network.
  await ada.page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
});
afterEach(async () => {
  await browser.closeDevices();
  await cable.remove();
  await office.model.reset();
});
afterAll(async () => {
  await browser.close();
  await office.stop();
});

test('three messages written offline survive the closing of their tab, and join what others wrote, once each, in order', async () => {
  const ben = await memberEnters(browser, office, ada, 'Ben');
  const place = await begin(ada.page, '/agents/finance/synth', 'Before the tunnel');
  await eventuallyShown(ada.page, 'a saved question and its answer', (now) => now.length === 2 && isQuiet(now));

  await cable.cut(ada.context);
  const written = ['First in the tunnel', 'Second in the tunnel', 'Third in the tunnel'];
  for (const text of written) {
    await say(ada.page, text);
    await conversation(ada.page).getByText(text, { exact: true }).waitFor();
  }
  const clocks = (entries: readonly ShownEntry[]) => entries.filter(({ state }) => state === 'clock');
  const before = await eventuallyShown(ada.page, 'three clocks', (now) => clocks(now).length === written.length);
  await ada.page.close();

  const page = await ada.context.newPage();
  await page.goto(place);
  const kept = await eventuallyShown(page, 'the same again', (now) => now.length === before.length);
  expect(kept).toEqual(before);
  await page.getByRole('img', { name: 'On this device, not saved yet' }).first().waitFor();
  await ben.page.goto(place);
  await eventuallyShown(ben.page, 'what was there before the tunnel', (now) => now.length === 2);
  await say(ben.page, 'Meanwhile outside');
  await eventuallyShown(ben.page, 'an answer to that', (now) => now.length === 4 && isQuiet(now));

  await cable.mend(ada.context);
  const entries = await expectSame([page, ben.page], 4 + 2 * written.length);
  const people = entries.filter(({ step }) => step === null);
  expect(people.map(({ text }) => text)).toEqual(['Before the tunnel', ...written, 'Meanwhile outside']);
  expect(people.slice(1, -1).map(({ id }) => id)).toEqual(clocks(before).map(({ id }) => id));
});

test('a conversation begun offline reaches the office and its agent when the network is back', async () => {
  const { page } = ada;
  await page.getByRole('navigation', { name: 'Office' }).getByRole('link', { name: 'Executive' }).click();
  await composer(page).waitFor();
  await cable.cut(ada.context);
  await say(page, 'Begun in the tunnel');
  await page.waitForURL(/\/s\//);
  await eventuallyShown(page, 'a clock', (now) => now[0]?.state === 'clock');
  await cable.mend(ada.context);
  await eventuallyShown(page, 'its answer', (now) => now.length === 2 && isQuiet(now));
});

test('of two people on one device neither finds the unsent words or the private conversation of the other', async () => {
  const eve = await memberEnters(browser, office, ada, 'Eve');
  const headers = { origin: office.address };
  const data = { scope_type: 'executive', title: 'Between Ada and Daena', is_private: true };
  const started = await ada.context.request.post(ROUTES.startChat.path, { headers, data });
  const secret = `/s/${ROUTES.startChat.response.parse(await started.json()).session_id}`;
  await ada.page.goto(secret);
  await say(ada.page, 'Nobody else reads this');
  await eventuallyShown(ada.page, 'an answer', (now) => now.length === 2 && isQuiet(now));
  const open = await begin(ada.page, '/agents/legal/synth', 'All may read this');
  await eventuallyShown(ada.page, 'an answer', (now) => now.length === 2 && isQuiet(now));

  await cable.cut(ada.context);
  await say(ada.page, 'Unsent words of Ada');
  await eventuallyShown(ada.page, 'a clock', (now) => now.at(-1)?.state === 'clock');
  await composer(ada.page).fill('A draft of Ada');
  await ada.page.close();
  // Her sign-in ends while she is away, and somebody else takes the device.
  await ada.context.clearCookies();
  await cable.mend(ada.context);

  const page = await ada.context.newPage();
  await page.goto(open);
  await signIn(page, eve);
  const read = await eventuallyShown(page, 'what all may read', (now) => now.length === 2 && isQuiet(now));
  expect(read[0]?.text).toBe('All may read this');
  await composer(page).waitFor();
  expect(await composer(page).textContent()).toBe('');
  expect(await page.getByText('Between Ada and Daena').count()).toBe(0);
  await page.goto(secret);
  await page.getByText('The office does not know this conversation.').waitFor();
  expect(await page.getByText('Nobody else reads this').count()).toBe(0);
  expect(await page.getByText('Between Ada and Daena').count()).toBe(0);
  await page.goto(open);
  await composer(page).fill('A draft of Eve');

  await page.goto('/settings');
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await signIn(page, OWNER);
  await page.goto(open);
  const back = await eventuallyShown(page, 'her words, sent', (now) => now.length === 4 && isQuiet(now));
  expect(back.flatMap(({ step, author, text }) => (step === null ? [[author, text]] : []))).toEqual([
    ['ada', 'All may read this'],
    ['ada', 'Unsent words of Ada'],
  ]);
  await expect.poll(() => composer(page).textContent(), { timeout: PATIENCE_MS }).toBe('A draft of Ada');
});
