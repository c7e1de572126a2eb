import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, test } from 'vitest';
import { TestBrowser } from '../support/browser.ts';
import { begin, eventuallyShown, isQuiet, memberEnters, ownerEnters, say } from '../support/office-page.ts';
import { RunningOffice } from '../support/running-office.ts';

/** Pictures are for people to look at: they are taken only where this names a folder. */
const folder = process.env.DAENA_SCREENSHOTS;

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

let office: RunningOffice;
let browser: TestBrowser;

beforeAll(async () => {
  if (folder === undefined) return;
  [office, browser] = await Promise.all([RunningOffice.start({ chunkDelayMs: 5 }), TestBrowser.launch()]);
});
afterAll(async () => {
  if (folder === undefined) return;
  await browser.close();
  await office.stop();
});

test.runIf(folder !== undefined)(
  'pictures of the main pages, light and dark, wide and narrow',
  async () => {
    const owner = await ownerEnters(browser, office);
    const ben = await memberEnters(browser, office, owner, 'Ben');
    const { page } = owner;
    const table = 'A table:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```ts\nconst office = 1;\n```';
    const general = await begin(ben.page, '/general', 'Who is in today?');
    await page.goto(general);
    await say(page, 'I am.');
    await say(ben.page, table);
    const finance = await begin(page, '/departments/finance', 'What does a **second office** cost us, and who pays?');
    await ben.page.goto(finance);
    await eventuallyShown(page, 'an answer', (now) => now.length === 7 && isQuiet(now));
    await page.goto('/councils/finance');
    await page.getByRole('textbox', { name: 'Question for the council' }).fill('Should we lend or borrow?');
    await page.getByRole('button', { name: 'Start debate' }).click();
    await page.waitForURL(/\/s\//);
    const debate = new URL(page.url()).pathname;
    await eventuallyShown(page, 'a dissent', (now) => isQuiet(now) && now.some(({ step }) => step === 'dissent'));
    await office.model.script({ fault: { kind: 'slow', chunkDelayMs: 2_000 } });
    const working = await begin(page, '/executive', 'Tell me a very long story');
    await eventuallyShown(page, 'a story begun', (now) =>
      now.some(({ state, text }) => state === 'open' && text !== ''),
    );

    const places: Record<string, string> = {
      map: '/',
      departments: '/departments',
      department: '/departments/finance',
      conversation: finance,
      working,
      debate,
      agents: '/agents',
      councils: '/councils',
      council: '/councils/tech',
      general: '/general',
      'general-conversation': general,
      search: '/search?q=office',
      settings: '/settings',
      bin: '/bin',
      nowhere: '/nowhere',
    };
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
        await page.setViewportSize(viewport);
        for (const [name, place] of Object.entries(places)) {
          await page.goto(place);
          await settle(page);
          await page.screenshot({ path: join(folder ?? '', `${name}-${size}-${theme}.png`) });
        }
      }
      const { page: outside, context } = await browser.newDevice(office.address, { colorScheme: theme });
      await outside.goto('/');
      await outside.getByRole('heading', { level: 1 }).waitFor();
      await outside.screenshot({ path: join(folder ?? '', `door-${theme}.png`) });
      await context.close();
    }
    await page.setViewportSize(NARROW);
    await page.goto('/');
    await page.getByRole('button', { name: 'Back to the office' }).click();
    await page.screenshot({ path: join(folder ?? '', 'navigation-narrow-dark.png') });
  },
  180_000,
);

async function settle(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.waitForLoadState('networkidle');
}
