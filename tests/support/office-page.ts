// What a person does on the pages of the office, and what they see there.
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { ROUTES } from '../../sync-server/protocol/api.ts';
import { PATIENCE_MS, type TestBrowser, type TestDevice } from './browser.ts';
import { OWNER, type RunningOffice } from './running-office.ts';

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** One message or answer as it stands in a timeline, in reading order. */
export interface ShownEntry {
  readonly id: string;
  readonly author: string;
  readonly text: string;
  /** `clock`, `tick` or `unsent`; `open` while an agent works on it. */
  readonly state: string;
  /** Of an agent: `answer`, `note`, `position` ...; null for a person. */
  readonly step: string | null;
  readonly outcome: string | null;
}

export async function signIn(page: Page, { email, password }: Credentials): Promise<void> {
  await page.getByRole('textbox', { name: 'E-mail' }).fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expectConnected(page);
}

/** The owner in a browser of their own, on the office map. */
export async function ownerEnters(
  browser: TestBrowser,
  office: RunningOffice,
  options: BrowserContextOptions = {},
): Promise<TestDevice> {
  const device = await browser.newDevice(office.address, options);
  await device.page.goto('/');
  await signIn(device.page, OWNER);
  return device;
}

/** A new member, invited by the owner's device, in a browser of their own, on the office map. */
export async function memberEnters(
  browser: TestBrowser,
  office: RunningOffice,
  owner: TestDevice,
  name: string,
): Promise<TestDevice & Credentials> {
  const headers = { origin: office.address };
  const invited = await owner.context.request.post(ROUTES.invite.path, { headers, data: {} });
  const { link } = ROUTES.invite.response.parse(await invited.json());
  const credentials = { email: `${name.toLowerCase()}@office.test`, password: `the word of ${name}` };
  const device = await browser.newDevice(office.address);
  const joined = await device.context.request.post(ROUTES.acceptInvite.path, {
    headers,
    data: { token: new URL(link).hash.slice(1), name, ...credentials },
  });
  ROUTES.acceptInvite.response.parse(await joined.json());
  await device.page.goto('/');
  await expectConnected(device.page);
  return { ...device, ...credentials };
}

export async function expectConnected(page: Page): Promise<void> {
  // On a narrow screen it stands in the pane that is not shown.
  const status = page.getByRole('status', { includeHidden: true });
  await status.filter({ hasText: /^Connected$/ }).waitFor({ state: 'attached' });
}

export const composer = (page: Page): Locator => page.getByRole('textbox', { name: 'Message' });

/** Writes into the composer and sends with Enter. */
export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

/** Begins a conversation at a scope's place (`/executive`, `/departments/finance` ...) and answers its address. */
export async function begin(page: Page, place: string, text: string): Promise<string> {
  await page.goto(place);
  await say(page, text);
  await page.waitForURL(/\/s\//);
  return new URL(page.url()).pathname;
}

export const conversation = (page: Page): Locator => page.getByRole('log', { name: 'Conversation' });

/** Everything in the open conversation, folded notes included, in the order of the page. */
export async function shown(page: Page): Promise<ShownEntry[]> {
  return conversation(page).evaluate((log) =>
    [...log.querySelectorAll<HTMLElement>('[data-entry-id]')].map((article) => ({
      id: article.dataset.entryId ?? '',
      author: (article.getAttribute('aria-label') ?? '').split(',')[0] ?? '',
      text: [...article.querySelectorAll(':scope > .message-main > .body, :scope > .debate-card > h3')]
        .map((body) => body.textContent ?? '')
        .join('\n')
        .trim(),
      state: article.dataset.state ?? '',
      step: article.dataset.step ?? null,
      outcome: article.dataset.outcome ?? null,
    })),
  );
}

/** Resolves with what the page shows once that fulfils the condition. */
export async function eventuallyShown(
  page: Page,
  what: string,
  condition: (entries: readonly ShownEntry[]) => boolean,
  withinMs = PATIENCE_MS,
): Promise<ShownEntry[]> {
  let entries: ShownEntry[] = [];
  await expect
    .poll(
      async () => {
        entries = await shown(page);
        return condition(entries) ? what : entries;
      },
      { timeout: withinMs, interval: 50 },
    )
    .toBe(what);
  return entries;
}

/** Everything is saved and nobody is at work. */
export const isQuiet = (entries: readonly ShownEntry[]): boolean =>
  entries.length > 0 && entries.every(({ state }) => state === 'tick');

/** Resolves once every page shows the same entries, none of them in the making, and answers these. */
export async function expectSame(pages: readonly Page[], count: number): Promise<ShownEntry[]> {
  const [first, ...others] = pages;
  if (first === undefined) throw new Error('there is nothing to compare');
  const entries = await eventuallyShown(first, `${count} quiet entries`, (now) => now.length === count && isQuiet(now));
  for (const other of others) await expect.poll(() => shown(other), { timeout: PATIENCE_MS }).toEqual(entries);
  return entries;
}
