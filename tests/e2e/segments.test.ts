import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { LATE_MS } from '../../client/sync/read-positions.ts';
import { ROUTES } from '../../sync-server/protocol/api.ts';
import { PATIENCE_MS, TestBrowser, type TestDevice } from '../support/browser.ts';
import { NetworkCable } from '../support/network-cable.ts';
import {
  conversation,
  eventuallyShown,
  expectConnected,
  isQuiet,
  memberEnters,
  ownerEnters,
  type ShownEntry,
  say,
} from '../support/office-page.ts';
import { RunningOffice } from '../support/running-office.ts';

/** Entries after which a segment is full. */
const SEGMENT = 30;

let office: RunningOffice;
let browser: TestBrowser;
let cable: NetworkCable;
let ada: TestDevice;
let ben: TestDevice;

beforeAll(async () => {
  [office, browser] = await Promise.all([RunningOffice.start({ segmentEntries: SEGMENT }), TestBrowser.launch()]);
});
beforeEach(async () => {
  cable = await NetworkCable.lay();
  ada = await ownerEnters(browser, office, { proxy: { server: cable.address } });
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

/** A conversation in which no agent answers, unless it is a general one. */
async function startTalk(
  scope: { scope_type: string; scope_id?: string } = { scope_type: 'council', scope_id: 'finance' },
): Promise<{ id: string; place: string }> {
  const headers = { origin: office.address };
  const data = { ...scope, title: 'A long talk' };
  const started = await ada.context.request.post(ROUTES.startChat.path, { headers, data });
  const { session_id: id } = ROUTES.startChat.response.parse(await started.json());
  return { id, place: `/s/${id}` };
}

/** Says something as a script of this person would, over HTTP. */
async function post(device: TestDevice, id: string, texts: readonly string[]): Promise<void> {
  for (const content of texts) {
    const answer = await device.context.request.post(`/api/v1/chat/sessions/${id}/messages`, {
      headers: { origin: office.address },
      data: { content },
    });
    expect(answer.status()).toBe(201);
  }
}

async function liveSegment(device: TestDevice, id: string): Promise<number> {
  const answer = await device.context.request.get(`/api/v1/chat/sessions/${id}`);
  const { session } = ROUTES.session.response.parse(await answer.json());
  return Number(session.documents.live.split('/').at(-1));
}

const numbered = (count: number, what: string) => Array.from({ length: count }, (_, index) => `${what} ${index + 1}`);
const texts = (entries: readonly ShownEntry[]) => entries.map(({ text }) => text);

/** Reads upwards until the beginning, and answers every entry that was on the page on the way, once, in order. */
async function readToTheTop(page: Page): Promise<string[]> {
  const log = conversation(page);
  await log.hover();
  const seen: string[] = [];
  const look = async () => {
    const now = texts(await eventuallyShown(page, 'entries', (entries) => entries.length > 0));
    const known = new Set(seen);
    seen.unshift(...now.filter((text) => !known.has(text)));
  };
  await look();
  await expect
    .poll(
      async () => {
        await page.mouse.wheel(0, -2_000);
        await look();
        return log.getByText('Beginning of the conversation').count();
      },
      { timeout: 3 * PATIENCE_MS, interval: 50 },
    )
    .toBe(1);
  await look();
  return seen;
}

test('[CL4] two people write over two rolls, reload, and read up to the beginning: everything once, in order', async () => {
  const { id, place } = await startTalk({ scope_type: 'general' });
  ben = await memberEnters(browser, office, ada, 'Ben');
  await Promise.all([ada.page.goto(place), ben.page.goto(place)]);
  await ada.page.getByRole('img', { name: /Here now: you and Ben/ }).waitFor();
  const said: string[] = [];
  for (const [index, text] of numbered(SEGMENT + 6, 'Turn').entries()) {
    const writer = index % 2 === 0 ? ada : ben;
    await say(writer.page, `${text}`);
    said.push(`${text}`);
    await conversation(index % 2 === 0 ? ben.page : ada.page)
      .getByText(`${text}`, { exact: true })
      .waitFor();
  }
  await expect.poll(() => liveSegment(ada, id), { timeout: PATIENCE_MS }).toBeGreaterThan(1);
  const more = numbered(SEGMENT, 'Further');
  await post(ben, id, more);
  said.push(...more);
  await expect.poll(() => liveSegment(ada, id), { timeout: PATIENCE_MS }).toBeGreaterThan(2);
  // Both were there all the time: nothing is missing, and the presence went on to the live segment.
  await eventuallyShown(ada.page, 'the last words', (now) => texts(now).at(-1) === more.at(-1));
  await ada.page.getByRole('img', { name: /Here now: you and Ben/ }).waitFor();

  await Promise.all([ada.page.reload(), ben.page.reload()]);
  for (const { page } of [ada, ben]) {
    await eventuallyShown(page, 'the last words', (now) => texts(now).at(-1) === more.at(-1) && isQuiet(now));
    const people = (await readToTheTop(page)).filter((text) => said.includes(text));
    expect(people).toEqual(said);
    expect(await conversation(page).getByText('Beginning of the conversation').count()).toBe(1);
  }
});

test('a conversation that has just rolled is not empty, and what is read does not move as earlier messages come', async () => {
  const { id, place } = await startTalk();
  await post(ada, id, numbered(SEGMENT * 4, 'Line'));
  await ada.page.goto(place);
  const newest = `Line ${SEGMENT * 4}`;
  await eventuallyShown(ada.page, 'more than the live segment', (now) => now.length > SEGMENT / 2);
  const log = conversation(ada.page);
  await log.getByText(newest, { exact: true }).waitFor();
  await log.hover();
  for (let step = 0; step < 12; step++) {
    const before = await firstInView(ada.page);
    await ada.page.mouse.wheel(0, -150);
    await expect.poll(async () => (await topOf(ada.page, before.text)) - before.top).toBeGreaterThan(0);
    const moved = (await topOf(ada.page, before.text)) - before.top;
    expect(moved).toBeLessThanOrEqual(151);
  }
});

test('[CL1] somebody who wrote offline comes back after two rolls: their words stand where they wrote them, marked as late', async () => {
  const { id, place } = await startTalk();
  ben = await memberEnters(browser, office, ada, 'Bo');
  const eva = await memberEnters(browser, office, ada, 'Eva');
  const fay = await memberEnters(browser, office, ada, 'Fay');
  await post(ada, id, ['Before the tunnel']);
  await ada.page.goto(place);
  await eventuallyShown(ada.page, 'what was said', (now) => now.length > 0);
  await cable.cut(ada.context);
  await say(ada.page, 'Written in the tunnel');
  const writtenAt = Date.now();
  await eventuallyShown(ada.page, 'a clock', (now) => now.some(({ state }) => state === 'clock'));
  await ada.page.close();

  await post(ben, id, numbered(SEGMENT * 2 + 5, 'Meanwhile'));
  expect(await liveSegment(ben, id)).toBeGreaterThan(2);
  await ben.page.goto(place);
  await readToTheTop(ben.page);
  await eva.page.goto(place);
  await eventuallyShown(eva.page, 'the newest words', (now) => texts(now).at(-1) === `Meanwhile ${SEGMENT * 2 + 5}`);
  await eva.page.goto('/agents');
  const link = recent(eva.page, id);
  await link.waitFor();
  expect(await link.getAttribute('data-unread')).toBeNull();
  await fay.page.goto(place);
  await eventuallyShown(fay.page, 'the newest words', (now) => texts(now).at(-1) === `Meanwhile ${SEGMENT * 2 + 5}`);
  await fay.page.close();

  const page = await ada.context.newPage();
  await page.goto(place);
  await eventuallyShown(page, 'the same clock', (now) => now.some(({ state }) => state === 'clock'));
  // Her words have to be old enough to count as late.
  await expect.poll(() => Date.now() - writtenAt, { timeout: PATIENCE_MS }).toBeGreaterThan(LATE_MS);
  await cable.mend(ada.context);
  await eventuallyShown(page, 'the newest words', (now) => texts(now).at(-1) === `Meanwhile ${SEGMENT * 2 + 5}`);
  await eventuallyShown(page, 'nothing unsaved', isQuiet);
  // Who reads far above sees it come where it was written, without reloading.
  const seen = await eventuallyShown(ben.page, 'the late words', (now) => texts(now).includes('Written in the tunnel'));
  const people = texts(seen).filter((text) => /tunnel|Meanwhile 1$/.test(text));
  expect(people).toEqual(['Before the tunnel', 'Written in the tunnel', 'Meanwhile 1']);
  await conversation(ben.page)
    .getByText(/^arrived late, /)
    .waitFor();
  const all = (await readToTheTop(page)).filter((text) => /tunnel|Meanwhile 1$/.test(text));
  expect(all).toEqual(people);
  // Who had read everything is told that there is more, and finds it.
  await expect.poll(() => link.getAttribute('data-unread'), { timeout: PATIENCE_MS }).toBe('');
  await link.click();
  await readToTheTop(eva.page);
  expect(await firstUnread(eva.page)).toBe('Written in the tunnel');
  // So is who was away when it came, on coming back; having read it, they are not told again.
  const again = await fay.context.newPage();
  await again.goto('/agents');
  const missed = recent(again, id);
  await expect.poll(() => missed.getAttribute('data-unread'), { timeout: PATIENCE_MS }).toBe('');
  await missed.click();
  await readToTheTop(again);
  expect(await firstUnread(again)).toBe('Written in the tunnel');
  await again.goto('/agents');
  await missed.waitFor();
  await again.reload();
  await expectConnected(again);
  await missed.waitFor();
  expect(await missed.getAttribute('data-unread')).toBeNull();
});

test('an old message is found by its address, edited, and shows so to others, also on the page that they kept', async () => {
  const { id, place } = await startTalk();
  ben = await memberEnters(browser, office, ada, 'Bea');
  await post(ada, id, ['The first word', ...numbered(SEGMENT * 3, 'Filler')]);
  await ben.page.goto(place);
  await readToTheTop(ben.page);
  const first = (await eventuallyShown(ben.page, 'the first', (now) => texts(now).includes('The first word'))).find(
    ({ text }) => text === 'The first word',
  );
  await ada.page.goto(`${place}#${first?.id}`);
  const message = conversation(ada.page).getByText('The first word');
  await message.waitFor();
  await message.hover();
  await conversation(ada.page)
    .getByRole('toolbar', { name: 'Message actions' })
    .getByRole('button', { name: 'More actions' })
    .click();
  await ada.page.getByRole('menuitem', { name: 'Edit' }).click();
  const box = ada.page.getByRole('textbox', { name: 'Edit message' });
  await box.fill('The first word, made better');
  await box.press('Enter');
  await conversation(ben.page).getByText('The first word, made better').waitFor();
  await ben.page.reload();
  expect(await readToTheTop(ben.page)).toContain('The first word, made better');
});

test('[CL2] an answer that is being written as its segment ends is seen live by those who come later, and ends once', async () => {
  const { id, place } = await startTalk({ scope_type: 'general' });
  ben = await memberEnters(browser, office, ada, 'Bob');
  const eva = await memberEnters(browser, office, ada, 'Ella');
  await office.model.script({ fault: { kind: 'slow', chunkDelayMs: 250 }, ifMessagesContain: 'a slow story' });
  await ada.page.goto(place);
  await say(ada.page, 'Tell me a slow story');
  const isWriting = (entries: readonly ShownEntry[]) =>
    entries.some(({ state, text }) => state === 'open' && text !== '');
  await eventuallyShown(ada.page, 'a story begun', isWriting);
  // Twice what a segment takes: this one ends although somebody writes in it.
  await post(ben, id, numbered(2 * SEGMENT + 2, 'Chatter'));
  expect(await liveSegment(ben, id)).toBe(2);
  await eva.page.goto(place);
  await eventuallyShown(eva.page, 'the story going on', isWriting);
  const [here, there] = await Promise.all(
    [ada, eva].map(({ page }) =>
      eventuallyShown(page, 'the story told', (now) => isQuiet(now) && now.some(({ outcome }) => outcome === 'done')),
    ),
  );
  const told = (entries: readonly ShownEntry[] = []) => entries.filter(({ step }) => step === 'answer');
  expect(told(here)).toHaveLength(1);
  expect(told(there)).toEqual(told(here));
});

test('two tabs of one person write across rolls, one of them offline: everything arrives once', async () => {
  const { id, place } = await startTalk();
  const other = await ada.context.newPage();
  await Promise.all([ada.page.goto(place), other.goto(place)]);
  const said: string[] = [];
  for (const text of numbered(SEGMENT + 4, 'Tab')) {
    const page = said.length % 2 === 0 ? ada.page : other;
    await say(page, text);
    said.push(text);
    await eventuallyShown(page, 'it saved', (now) =>
      now.some((entry) => entry.text === text && entry.state === 'tick'),
    );
  }
  await expect.poll(() => liveSegment(ada, id), { timeout: PATIENCE_MS }).toBe(2);
  await cable.cut(ada.context);
  await say(other, 'Offline in the second tab');
  await say(ada.page, 'Offline in the first tab');
  await cable.mend(ada.context);
  for (const page of [ada.page, other]) {
    const shown = await eventuallyShown(
      page,
      'all saved',
      (now) => isQuiet(now) && texts(now).includes('Offline in the first tab'),
    );
    expect(texts(shown).filter((text) => text.startsWith('Offline'))).toHaveLength(2);
  }
  const seen = await readToTheTop(ada.page);
  expect(seen.filter((text) => text.startsWith('Tab'))).toEqual(said);
});

test('an address that names no message says so, after all was looked through', async () => {
  const { id, place } = await startTalk();
  await post(ada, id, numbered(SEGMENT * 2, 'Word'));
  await ada.page.goto(`${place}#01JAAAAAAAAAAAAAAAAAAAAAAA`);
  await ada.page.getByText('That message was not found in this conversation.').waitFor();
});

test('offline, pages that were read are there, and the others say why they are not, with a way to try again', async () => {
  const { id, place } = await startTalk();
  await post(ada, id, numbered(SEGMENT * 12, 'Page'));
  await ada.page.goto(place);
  await eventuallyShown(ada.page, 'the end', (now) => texts(now).at(-1) === `Page ${SEGMENT * 12}`);
  await conversation(ada.page).hover();
  for (let step = 0; step < 3; step++) await ada.page.mouse.wheel(0, -1_000);
  const read = await eventuallyShown(ada.page, 'more', (now) => now.length > SEGMENT * 3);
  await cable.cut(ada.context);
  await ada.page.reload();
  await eventuallyShown(ada.page, 'the end', (now) => texts(now).at(-1) === `Page ${SEGMENT * 12}`);
  const log = conversation(ada.page);
  await log.hover();
  await expect
    .poll(
      async () => {
        await ada.page.mouse.wheel(0, -2_000);
        return log.getByText(/Earlier messages cannot be loaded/).count();
      },
      { timeout: PATIENCE_MS, interval: 50 },
    )
    .toBe(1);
  const kept = await eventuallyShown(ada.page, 'what was read', (now) => now.length >= read.length);
  expect(texts(kept)).toEqual(expect.arrayContaining(texts(read)));
  await cable.mend(ada.context);
  const retry = log.getByRole('button', { name: 'Retry' });
  // The network that is back tries again by itself; whoever is quicker may press.
  await retry.click({ timeout: 1_000 }).catch(() => undefined);
  expect((await readToTheTop(ada.page))[0]).toBe('Page 1');
});

test('[CL7] what is unread does not depend on what is loaded, and the line stands above the first new message, however far up', async () => {
  const { id, place } = await startTalk();
  ben = await memberEnters(browser, office, ada, 'Bert');
  await post(ada, id, numbered(SEGMENT + 2, 'Said'));
  await ada.page.goto(place);
  await eventuallyShown(ada.page, 'the end', (now) => texts(now).at(-1) === `Said ${SEGMENT + 2}`);
  await ada.page.goto('/agents');
  const link = recent(ada.page, id);
  await link.waitFor();
  expect(await link.getAttribute('data-unread')).toBeNull();
  await post(ben, id, numbered(SEGMENT * 2, 'News'));
  await expect.poll(() => link.getAttribute('data-unread'), { timeout: PATIENCE_MS }).toBe('');
  await link.click();
  await eventuallyShown(ada.page, 'the news', (now) => texts(now).at(-1) === `News ${SEGMENT * 2}`);
  // The line stands above the first one that is new, a segment further up.
  const log = conversation(ada.page);
  await log.hover();
  await expect
    .poll(
      async () => {
        await ada.page.mouse.wheel(0, -2_000);
        return log.getByText('New since you were here').count();
      },
      { timeout: PATIENCE_MS, interval: 50 },
    )
    .toBe(1);
  expect(await firstUnread(ada.page)).toBe('News 1');
  await ada.page.goto('/agents');
  await link.waitFor();
  expect(await link.getAttribute('data-unread')).toBeNull();
});

/** The link to a conversation in the list of recent ones. */
const recent = (page: Page, id: string) =>
  page.getByRole('navigation', { name: 'Office' }).locator(`a[href="/s/${id}"]`);

/** What stands below the line above what is new. */
const firstUnread = (page: Page) =>
  conversation(page).evaluate((log) => {
    const line = log.querySelector('.unread-line');
    return line?.nextElementSibling?.querySelector('.body')?.textContent?.trim();
  });

async function firstInView(page: Page): Promise<{ text: string; top: number }> {
  return conversation(page).evaluate((log) => {
    const edge = log.getBoundingClientRect().top;
    const first = [...log.querySelectorAll('[data-entry-id] .body')].find(
      (body) => body.getBoundingClientRect().top > edge + 100,
    );
    return { text: first?.textContent?.trim() ?? '', top: first?.getBoundingClientRect().top ?? 0 };
  });
}

async function topOf(page: Page, text: string): Promise<number> {
  return conversation(page).evaluate((log, wanted) => {
    const found = [...log.querySelectorAll('[data-entry-id] .body')].find(
      (body) => body.textContent?.trim() === wanted,
    );
    return found?.getBoundingClientRect().top ?? 0;
  }, text);
}
