// Chromium for tests: one process per test file, and a context of its own for each person or device.
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { CHROMIUM_ARGS, chromiumPath } from './chromium.ts';

/** How long a page may take for anything, on a machine that is busy with other things. */
export const PATIENCE_MS = 20_000;

/** A browser as one device has it: its own cookies, storage and service worker. */
export interface TestDevice {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the pages of this device threw and nobody caught. */
  readonly errors: readonly string[];
}

export class TestBrowser {
  readonly #browser: Browser;
  #devices: TestDevice[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(): Promise<TestBrowser> {
    const browser = await chromium.launch({ executablePath: chromiumPath(), args: [...CHROMIUM_ARGS] });
    return new TestBrowser(browser);
  }

  async newDevice(baseURL: string, options: BrowserContextOptions = {}): Promise<TestDevice> {
    const context = await this.#browser.newContext({ baseURL, locale: 'en-GB', reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const errors: string[] = [];
    context.on('weberror', (thrown) => errors.push(thrown.error().stack ?? thrown.error().message));
    const device = { context, page: await context.newPage(), errors };
    this.#devices.push(device);
    return device;
  }

  /** Closes every device, and throws if a page of theirs had thrown. */
  async closeDevices(): Promise<void> {
    const devices = this.#devices;
    this.#devices = [];
    await Promise.all(devices.map(({ context }) => context.close()));
    const errors = devices.flatMap((device) => device.errors);
    if (errors.length > 0) throw new Error(`a page threw: ${errors.join('\n')}`);
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}
