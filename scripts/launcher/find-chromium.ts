import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'msedge'];

/** What to say where no browser was found and none could be installed. */
export const NO_CHROMIUM_SENTENCE =
  'The tests need Chrome or Chromium: install it (Debian: apt-get install chromium; elsewhere: ' +
  'https://www.google.com/chrome), or set CHROME_PATH to its program.';

/** The path of Chrome or Chromium: CHROME_PATH, the PATH, then where it is usually installed. Null: none. */
export function findChromium(environment: Environment): string | null {
  if (environment.CHROME_PATH) return findProgram([], [environment.CHROME_PATH], environment);
  return findProgram(NAMES, usualPlaces(environment), environment);
}

/** The same, after installing Debian's chromium where there is none and we are root. Null: that was not possible. */
export function findOrInstallChromium(environment: Environment, say: (line: string) => void): string | null {
  const found = findChromium(environment);
  const apt = findProgram(['apt-get'], [], environment);
  if (found !== null || environment.CHROME_PATH || apt === null || process.getuid?.() !== 0) return found;
  say('Installing Chromium for the tests ...');
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'chromium']]) {
    const result = spawnSync(apt, ['-q', ...args], {
      encoding: 'utf8',
      env: { ...environment, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (result.status !== 0) {
      say(`${result.stdout}${result.stderr}\napt-get ${args.join(' ')} failed.`);
      return null;
    }
  }
  return findChromium(environment);
}

function usualPlaces(environment: Environment): string[] {
  switch (process.platform) {
    case 'darwin':
      return ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
        (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
      );
    case 'win32':
      return [environment.ProgramFiles, environment['ProgramFiles(x86)'], environment.LOCALAPPDATA]
        .filter((folder) => folder !== undefined)
        .flatMap((folder) => [
          join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe'),
          join(folder, 'Chromium', 'Application', 'chrome.exe'),
          join(folder, 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
        ]);
    default:
      return ['/usr/bin/chromium', '/usr/bin/google-chrome', '/opt/google/chrome/chrome', '/snap/bin/chromium'];
  }
}
