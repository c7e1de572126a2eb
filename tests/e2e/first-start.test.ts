import { afterAll, beforeAll, expect, test } from 'vitest';
import { findOllama } from '../../agents/model/find-ollama.ts';
import { TestBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { LaunchedOffice } from '../support/launched-office.ts';
import {
  begin,
  conversation,
  eventuallyShown,
  expectConnected,
  isQuiet,
  shown,
  signIn,
} from '../support/office-page.ts';
import { tempFolder } from '../support/temp-folder.ts';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await TestBrowser.launch();
});
afterAll(() => browser.close());

const FOUNDER = { email: 'founder@office.test', password: 'it is mine and only mine' };

// Where a real Ollama is installed the office uses that, and nothing is rehearsed.
test.skipIf((await findOllama()) !== null)(
  'from the first start to the second: the link makes one owner, a rehearsed agent answers, and all of it is kept',
  async () => {
    const dataFolder = tempFolder();
    const port = await freePort();
    const first = new LaunchedOffice(dataFolder, port);
    const address = await first.printed(/ready at (http\S+) /);
    const link = await first.printed(/works once: (\S+)/);

    const { page, errors } = await browser.newDevice(address);
    await page.goto('/');
    await page.getByText('Nobody owns this office yet.').waitFor();
    await page.goto(link);
    await page.getByRole('textbox', { name: 'Name' }).fill('Grace Hopper');
    await page.getByRole('textbox', { name: 'E-mail' }).fill(FOUNDER.email);
    await page.getByLabel('Password').fill(FOUNDER.password);
    await page.getByRole('button', { name: 'Create owner' }).click();
    await page.getByRole('heading', { name: /, Grace$/ }).waitFor();
    await expectConnected(page);
    await page.getByRole('note').filter({ hasText: 'not AI' }).waitFor();

    const place = await begin(page, '/departments/finance', 'What should we charge?');
    const entries = await eventuallyShown(
      page,
      'five notes and an answer',
      (now) => now.length === 7 && isQuiet(now) && now.every(({ outcome }) => outcome === null || outcome === 'done'),
    );
    expect(await conversation(page).getByText('rehearsed, not AI', { exact: true }).count()).toBe(6);

    const second = await browser.newDevice(address);
    await second.page.goto(link);
    await second.page.getByRole('textbox', { name: 'Name' }).fill('Mallory');
    await second.page.getByRole('textbox', { name: 'E-mail' }).fill('mallory@office.test');
    await second.page.getByLabel('Password').fill('whatever it takes');
    await second.page.getByRole('button', { name: 'Create owner' }).click();
    await second.page.getByRole('alert').waitFor();

    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('heading', { name: 'Sign in to Daena' }).waitFor();
    expect(await page.getByText('What should we charge?').count()).toBe(0);

    expect(await first.stop()).toBe(0);
    const again = new LaunchedOffice(dataFolder, port);
    await again.printed(/ready at/);
    expect(again.output).not.toContain('works once');
    await page.goto(place);
    await signIn(page, FOUNDER);
    await eventuallyShown(page, 'what was there', (now) => now.length === entries.length);
    expect(await shown(page)).toEqual(entries);
    expect(await again.stop()).toBe(0);
    expect(errors).toEqual([]);
  },
);
