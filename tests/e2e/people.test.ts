import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PATIENCE_MS, TestBrowser, type TestDevice } from '../support/browser.ts';
import {
  begin,
  conversation,
  eventuallyShown,
  expectConnected,
  expectSame,
  isQuiet,
  memberEnters,
  ownerEnters,
  say,
  signIn,
} from '../support/office-page.ts';
import { OWNER, RunningOffice } from '../support/running-office.ts';

let office: RunningOffice;
let browser: TestBrowser;
let owner: TestDevice;
let ben: TestDevice;

beforeAll(async () => {
  [office, browser] = await Promise.all([RunningOffice.start(), TestBrowser.launch()]);
  owner = await ownerEnters(browser, office);
  ben = await memberEnters(browser, office, owner, 'Ben');
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

test('two people see each other live, and a third look shows the same to both', async () => {
  await owner.page.getByRole('link', { name: 'Settings' }).click();
  await owner.page.getByRole('button', { name: 'Invite someone' }).click();
  const people = owner.page.getByRole('region', { name: 'People' });
  const link = await people.getByText(/^http.*\/invite#/).textContent();

  const bea = await browser.newDevice(office.address);
  await bea.page.goto(link ?? '');
  await bea.page.getByRole('textbox', { name: 'Name' }).fill('Bea');
  await bea.page.getByRole('textbox', { name: 'E-mail' }).fill('bea@office.test');
  await bea.page.getByLabel('Password').fill('a word of her own');
  await bea.page.getByRole('button', { name: 'Join' }).click();
  await expectConnected(bea.page);

  const place = await begin(owner.page, '/departments/finance', 'Good morning from Ada');
  await bea.page.goto(place);
  await bea.page.getByRole('img', { name: /Here now: you and ada/ }).waitFor();
  await owner.page.getByRole('img', { name: /Here now: you and Bea/ }).waitFor();
  await say(bea.page, 'Good morning from Bea');
  await conversation(owner.page).getByText('Good morning from Bea').waitFor();
  await say(owner.page, 'And how is it?');
  await conversation(bea.page).getByText('And how is it?').waitFor();

  const entries = await expectSame([owner.page, bea.page], 3 + 3 * 6);
  expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
  await Promise.all([owner.page.reload(), bea.page.reload()]);
  expect(await expectSame([owner.page, bea.page], entries.length)).toEqual(entries);
});

test('the departments view and each department list the same sessions, also those that others begin', async () => {
  const { page } = owner;
  const list = (name: string) => page.getByRole('region', { name, exact: true }).getByRole('link', { name: /List:/ });
  await page.goto('/departments');

  const first = await begin(ben.page, '/departments/legal', 'List: may we?');
  const second = await begin(ben.page, '/departments/hr', 'List: who can?');
  await list('Legal & Compliance').waitFor();
  await list('Human Resources').waitFor();
  const third = await begin(ben.page, '/departments/legal', 'List: and if not?');

  const expected: Record<string, string[]> = {
    'Legal & Compliance': [first, third].toSorted(),
    'Human Resources': [second],
  };
  // In no order: that follows the agents' work, which goes on meanwhile.
  const addressesOf = (links: Locator) =>
    links.evaluateAll((found) => found.map((link) => link.getAttribute('href')).toSorted());
  for (const [name, addresses] of Object.entries(expected)) {
    await expect.poll(() => addressesOf(list(name)), { timeout: PATIENCE_MS }).toEqual(addresses);
  }
  for (const [name, addresses] of Object.entries(expected)) {
    await page
      .getByRole('navigation', { name: 'Office' })
      .getByRole('link', { name: new RegExp(`^${name}`) })
      .click();
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    const own = page.getByRole('main').getByRole('link', { name: /List:/ });
    await expect.poll(() => addressesOf(own), { timeout: PATIENCE_MS }).toEqual(addresses);
  }
});

test('Markdown is rendered, and what it smuggles in is not', async () => {
  const place = await begin(owner.page, '/general', '**bold** and `code`');
  await ben.page.goto(place);
  await conversation(ben.page).locator('strong', { hasText: 'bold' }).waitFor();

  const asked: string[] = [];
  ben.page.on('request', (request) => asked.push(request.url()));
  await say(
    owner.page,
    'before <img src=/api/smuggled onerror="document.title=\'owned\'"><script>document.title="owned"</script>' +
      '[link](javascript:document.title=1) <iframe src="/smuggled"></iframe> after',
  );
  await conversation(ben.page).getByText('after').waitFor();
  for (const { page } of [owner, ben]) {
    expect(await page.title()).not.toBe('owned');
    expect(await conversation(page).locator('script, iframe, img, [onerror], a[href^="javascript:"]').count()).toBe(0);
  }
  expect(asked.filter((url) => url.includes('smuggled'))).toEqual([]);
});

test("an edit and a deletion of one's own message show in the other browser", async () => {
  await office.model.script({ fault: { kind: 'hold-headers' }, ifMessagesContain: 'We meet' });
  const place = await begin(owner.page, '/general', 'We meet at ten');
  await ben.page.goto(place);
  const message = conversation(ben.page).getByText('We meet at ten');
  await message.waitFor();

  const more = conversation(owner.page).getByRole('toolbar', { name: 'Message actions' });
  await conversation(owner.page).getByText('We meet at ten').hover();
  await more.getByRole('button', { name: 'More actions' }).click();
  await owner.page.getByRole('menuitem', { name: 'Edit' }).click();
  const box = owner.page.getByRole('textbox', { name: 'Edit message' });
  await box.fill('We meet at eleven');
  await box.press('Enter');
  await conversation(ben.page).getByText('We meet at eleven').waitFor();
  await conversation(ben.page).getByText('edited').waitFor();
  expect(await message.count()).toBe(0);

  await conversation(ben.page).getByText('We meet at eleven').hover();
  await conversation(ben.page).getByRole('button', { name: 'More actions' }).click();
  await ben.page.getByRole('menuitem', { name: 'Reply' }).waitFor();
  expect(await ben.page.getByRole('menuitem', { name: 'Delete' }).count()).toBe(0);

  await conversation(owner.page).getByText('We meet at eleven').hover();
  await more.getByRole('button', { name: 'More actions' }).click();
  await owner.page.getByRole('menuitem', { name: 'Delete' }).click();
  await conversation(ben.page).getByText('Message deleted').waitFor();
  expect(await conversation(ben.page).getByText('We meet at eleven').count()).toBe(0);
});

test('a narrow screen leads to a conversation and back, and nothing lies outside it', async () => {
  const phone = await browser.newDevice(office.address, { viewport: { width: 390, height: 844 } });
  const { page } = phone;
  await page.goto('/');
  await signIn(page, OWNER);
  await page.getByRole('button', { name: 'Back to the office' }).click();
  await page.getByRole('navigation', { name: 'Office' }).getByRole('link', { name: 'Executive' }).click();
  await page.getByRole('heading', { name: 'Daena', level: 1 }).waitFor();
  await say(page, 'What can I do from here?');
  await page.waitForURL(/\/s\//);
  const entries = await eventuallyShown(page, 'an answer', (now) => now.length === 2 && isQuiet(now));
  expect(entries[1]?.author).toBe('Daena');
  for (const place of PLACES) {
    await page.goto(place);
    await expectNothingCutOff(page, place);
  }
});

test('no page of a small laptop has a control outside the screen', async () => {
  const { page } = owner;
  await page.setViewportSize({ width: 1280, height: 800 });
  for (const place of PLACES) {
    await page.goto(place);
    await expectNothingCutOff(page, place);
  }
});

const PLACES = ['/', '/departments', '/departments/hr', '/agents', '/councils', '/councils/tech', '/settings'];

/** Every control of the page lies between its left and its right edge. */
async function expectNothingCutOff(page: Page, place: string): Promise<void> {
  const main = page.getByRole('main');
  await main.getByRole('heading', { level: 1 }).waitFor();
  await main.getByRole('button').or(main.getByRole('link')).first().waitFor({ state: 'attached' });
  const cutOff = await main.locator('a, button, input, textarea').evaluateAll((controls) =>
    controls.flatMap((control) => {
      const { left, right, width } = control.getBoundingClientRect();
      const isHidden = width <= 1 || !control.checkVisibility();
      return isHidden || (left >= 0 && right <= window.innerWidth) ? [] : [control.textContent];
    }),
  );
  expect([place, cutOff]).toEqual([place, []]);
}
