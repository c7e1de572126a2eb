import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ConfigReading, dataFolderOf, type LauncherConfig, readConfig } from '../../scripts/launcher/config.ts';
import { FLAG_NAMES, readFlags } from '../../scripts/launcher/flags.ts';
import { parseSettings, readSettingsFile } from '../../scripts/launcher/settings-files.ts';
import { tempFolder } from '../support/temp-folder.ts';

const root = join(import.meta.dirname, '..', '..');

function read(
  args: readonly string[],
  environment: Record<string, string> = {},
  serverFile = '',
  agentsFile = '',
): ConfigReading {
  const files = {
    server: parseSettings(serverFile, 'server.env', 'server').settings,
    agents: parseSettings(agentsFile, 'agents.env', 'agents').settings,
  };
  return readConfig({ flags: readFlags(args).flags, environment, files, root });
}

function configOf(reading: ConfigReading): LauncherConfig {
  if (reading.kind === 'wrong') throw new Error(reading.problems.join('\n'));
  return reading.config;
}

describe('settings come from option, environment, file, default, in that order', () => {
  test('nothing given: loopback, port 7433, data in the checkout', () => {
    const config = configOf(read([]));
    expect(config.dataFolder).toBe(join(root, '.daena'));
    expect(config.opensBrowser).toBe(true);
    expect(config.server).toEqual({
      port: 7433,
      host: '127.0.0.1',
      tls: null,
      trustedOrigins: [],
      owner: null,
      durability: null,
    });
    expect(config.agents).toEqual({
      ollamaHost: null,
      ollama: { url: 'http://127.0.0.1:11434', isLocal: true, isChosen: false },
      model: null,
      slots: null,
    });
  });

  test('each source wins over the next', () => {
    expect(configOf(read([], {}, 'DAENA_PORT=1')).server.port).toBe(1);
    expect(configOf(read([], { DAENA_PORT: '2' }, 'DAENA_PORT=1')).server.port).toBe(2);
    expect(configOf(read(['--port', '3'], { DAENA_PORT: '2' }, 'DAENA_PORT=1')).server.port).toBe(3);
    expect(configOf(read(['--port=3', '--port=4'])).server.port).toBe(4);
    expect(configOf(read([], { DAENA_PORT: '' }, 'DAENA_PORT=1')).server.port).toBe(1);
    expect(configOf(read([], { DAENA_MODEL: 'a:1b' }, '', 'DAENA_MODEL=b:2b')).agents.model).toBe('a:1b');
    expect(configOf(read([], {}, '', 'OLLAMA_HOST="box:1"')).agents.ollama.url).toBe('http://box:1');
  });

  test('trusted origins add up', () => {
    const reading = read(['--trusted-origin', 'https://a.example', '--trusted-origin=http://b.example:81/'], {
      DAENA_TRUSTED_ORIGINS: 'https://c.example, https://D.example',
    });
    expect(configOf(reading).server.trustedOrigins).toEqual([
      'https://c.example',
      'https://d.example',
      'https://a.example',
      'http://b.example:81',
    ]);
  });

  test('a relative data folder starts at the checkout, an absolute one stays', () => {
    expect(dataFolderOf(readFlags(['--data', 'x/y']).flags, {}, root)).toBe(join(root, 'x', 'y'));
    expect(dataFolderOf(readFlags([]).flags, { DAENA_DATA: '/srv/daena' }, root)).toBe('/srv/daena');
  });

  test('the browser stays closed by option and by environment', () => {
    expect(configOf(read(['--no-open'])).opensBrowser).toBe(false);
    expect(configOf(read([], { DAENA_NO_OPEN: '1' })).opensBrowser).toBe(false);
    expect(configOf(read([], { DAENA_NO_OPEN: '0' })).opensBrowser).toBe(true);
  });
});

describe('what is wrong is said in one sentence each, all at once', () => {
  test('values', () => {
    const reading = read(
      ['--port', '70000', '--host', 'a b', '--tls-cert', 'c.pem', '--trusted-origin', 'x.example/y'],
      {
        DAENA_OWNER_EMAIL: 'a@b.example',
        OLLAMA_HOST: 'ftp://x',
      },
    );
    const problems = reading.kind === 'wrong' ? reading.problems : [];
    expect(problems).toHaveLength(6);
    for (const word of ['"70000"', '"a b"', '--tls-key', '"x.example/y"', 'DAENA_OWNER_PASSWORD', '"ftp://x"']) {
      expect(problems.filter((problem) => problem.includes(word))).toHaveLength(1);
    }
  });

  test('TLS files that are not there', () => {
    const reading = read(['--tls-cert', '/nowhere/c.pem', '--tls-key', '/nowhere/k.pem']);
    expect(reading.kind === 'wrong' && reading.problems).toHaveLength(2);
  });

  test('the command line', () => {
    expect(readFlags(['--prot', '1', 'now', '--port', '--data']).problems).toEqual([
      '--prot is no option; npm start -- --help lists them.',
      '"1" is not understood; npm start -- --help lists the options.',
      '"now" is not understood; npm start -- --help lists the options.',
      '--port needs a value.',
    ]);
  });

  test('settings files', () => {
    const text = '# a comment\nDAENA_PROT=1\n\nwhat is this\r\nDAENA_HOST = "::1"\nOLLAMA_HOST=x\n';
    const { settings, problems } = parseSettings(text, '/d/server.env', 'server');
    expect([...settings]).toEqual([['DAENA_HOST', '::1']]);
    expect(problems.map((problem) => problem.slice(0, 40))).toEqual([
      'Line 2 of /d/server.env sets DAENA_PROT,',
      "Line 4 of /d/server.env can't be read: a",
      'Line 6 of /d/server.env sets OLLAMA_HOST',
    ]);
  });
});

test('a settings file is made once, private, with every line commented out, and is never overwritten', () => {
  const folder = tempFolder();
  const path = join(folder, 'server.env');
  expect(readSettingsFile(folder, 'server')).toEqual({ settings: new Map(), problems: [] });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toContain('# DAENA_PORT=7433');
  writeFileSync(path, 'DAENA_PORT=9\n');
  expect(readSettingsFile(folder, 'server').settings.get('DAENA_PORT')).toBe('9');
});

test('a settings file that cannot be read is one problem', () => {
  const folder = tempFolder();
  mkdirSync(join(folder, 'agents.env'));
  expect(readSettingsFile(folder, 'agents').problems).toHaveLength(1);
});

test.each([
  ['127.0.0.1:11434', 'http://127.0.0.1:11434', true],
  [':9000', 'http://127.0.0.1:9000', true],
  ['::', 'http://[::1]:11434', true],
  ['localhost', 'http://localhost:11434', true],
  ['https://box', 'https://box:443', false],
])('OLLAMA_HOST=%s is reached at %s, this machine: %s', (text, url, isLocal) => {
  expect(configOf(read([], { OLLAMA_HOST: text })).agents.ollama).toEqual({ url, isLocal, isChosen: true });
});

test('the help names every option', async () => {
  const help = readFileSync(join(root, 'scripts', 'launcher', 'help.mjs'), 'utf8');
  for (const name of FLAG_NAMES) expect(help).toContain(`  ${name} `);
});
