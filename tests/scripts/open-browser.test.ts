import { expect, test } from 'vitest';
import { browserCommand } from '../../scripts/launcher/open-browser.ts';

const url = 'http://127.0.0.1:7433';

test('a browser is opened where there is a desktop, and nowhere else', () => {
  expect(browserCommand(url, 'linux', { DISPLAY: ':0' })).toEqual({ program: 'xdg-open', args: [url] });
  expect(browserCommand(url, 'linux', { WAYLAND_DISPLAY: 'wayland-0' })?.program).toBe('xdg-open');
  expect(browserCommand(url, 'linux', {})).toBeNull();
  expect(browserCommand(url, 'darwin', {})).toEqual({ program: 'open', args: [url] });
  expect(browserCommand(url, 'win32', {})?.args.at(-1)).toBe(url);
  expect(browserCommand(url, 'linux', { DISPLAY: ':0', CI: 'true' })).toBeNull();
  expect(browserCommand(url, 'darwin', { SSH_CONNECTION: '10.0.0.2 1 10.0.0.1 22' })).toBeNull();
});
