import type { Shelf } from '../sync/device.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'daena/theme';
const isTheme = (value: unknown): value is Theme => THEMES.some((theme) => theme === value);

export function readTheme(shelf: Shelf): Theme {
  const value = shelf.getItem(KEY);
  return isTheme(value) ? value : 'system';
}

/** Shows a theme from now on; `system` follows the device. */
export function applyTheme(root: HTMLElement, theme: Theme): void {
  if (theme === 'system') delete root.dataset.theme;
  else root.dataset.theme = theme;
}

export function keepTheme(shelf: Shelf, theme: Theme): void {
  shelf.setItem(KEY, theme);
}
