import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readLock } from '../../scripts/launcher/one-instance-lock.ts';
import { DEFAULT_BOUNDS, restartDelayMs } from '../../scripts/launcher/supervised-program.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { isRunning, linesOf, pidsOf, RunningScript, startOffice } from './running-office.ts';
import { until } from './until.ts';

function seenBy(folder: string, program: 'server' | 'agents'): Record<string, string> {
  return JSON.parse(readFileSync(join(folder, `${program}.seen.json`), 'utf8'));
}

async function bothRun(folder: string): Promise<void> {
  await until('both programs run', () => pidsOf(folder, 'server').length > 0 && pidsOf(folder, 'agents').length > 0);
}

describe('a start', () => {
  test('says the address, the owner link the first time only, where the logs are and how to stop', async () => {
    const folder = tempFolder();
    const port = await freePort();
    for (const isFirst of [true, false]) {
      const office = startOffice(folder, { DAENA_PORT: String(port) });
      await office.printed('Stop: ');
      expect(office.output).toContain(`ready at http://127.0.0.1:${port} `);
      expect(office.output.includes(`http://127.0.0.1:${port}/welcome#one-time`)).toBe(isFirst);
      expect(office.output).toContain(join(folder, 'logs'));
      expect(office.output).toContain('npm run stop');
      office.child.kill('SIGINT');
      expect((await office.ended).code).toBe(0);
    }
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('gives each program its own settings and log, and nothing of the other’s', async () => {
    const folder = tempFolder();
    const office = startOffice(folder, {
      DAENA_PORT: '45671',
      DAENA_OWNER_EMAIL: 'owner@daena.example',
      DAENA_OWNER_PASSWORD: 'a long enough password',
      DAENA_STRAY: 'x',
      OLLAMA_HOST: '127.0.0.1:9',
      DAENA_MODEL: 'qwen3:4b',
    });
    await office.printed('Stop: ');
    await bothRun(folder);
    const settingsOf = (program: 'server' | 'agents') =>
      Object.fromEntries(Object.entries(seenBy(folder, program)).filter(([name]) => /^(DAENA|OLLAMA)_/.test(name)));
    await until('the agents have started', () => existsSync(join(folder, 'agents.seen.json')));
    expect(settingsOf('server')).toEqual({
      DAENA_PORT: '45671',
      DAENA_HOST: '127.0.0.1',
      DAENA_DATA: folder,
      DAENA_CLIENT_DIST: expect.stringMatching(/client.dist$/),
      DAENA_OWNER_EMAIL: 'owner@daena.example',
      DAENA_OWNER_PASSWORD: 'a long enough password',
    });
    expect(settingsOf('agents')).toEqual({
      DAENA_SERVER: 'http://127.0.0.1:45671',
      DAENA_WORKER_TOKEN_FILE: join(folder, 'worker.token'),
      OLLAMA_HOST: '127.0.0.1:9',
      DAENA_MODEL: 'qwen3:4b',
    });
    await until('each has its log', () => linesOf(join(folder, 'logs', 'agents.log')).length > 0);
    expect(linesOf(join(folder, 'logs', 'server.log'))).toEqual([`server ${pidsOf(folder, 'server')[0]} starts`]);
    expect(linesOf(join(folder, 'logs', 'agents.log'))).toEqual([`agents ${pidsOf(folder, 'agents')[0]} start`]);
  });

  test('opens the browser at the owner link, unless told not to', async () => {
    const folder = tempFolder();
    const opened = join(folder, 'opened');
    const office = startOffice(folder, { DAENA_PORT: '45672', STAND_IN_BROWSER: opened }, []);
    await until('the browser was opened', () => linesOf(opened).length > 0);
    expect(linesOf(opened)).toEqual(['http://127.0.0.1:45672/welcome#one-time']);
    office.child.kill('SIGINT');
    await office.ended;
    const quiet = startOffice(folder, { DAENA_PORT: '45672', STAND_IN_BROWSER: opened }, ['--no-open']);
    await quiet.printed('Stop: ');
    expect(linesOf(opened)).toHaveLength(1);
  });
});

describe('what is wrong ends the start with a sentence', () => {
  test('settings: each its own, and nothing is started', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'server.env'), 'DAENA_PORT=99999\nDAENA_PROT=1\n');
    writeFileSync(join(folder, 'agents.env'), 'nonsense\n');
    const { code, output } = await startOffice(folder).ended;
    expect(code).toBe(1);
    const lines = output.trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain(`Line 2 of ${join(folder, 'server.env')} sets DAENA_PROT`);
    expect(lines[1]).toContain(`Line 1 of ${join(folder, 'agents.env')} can't be read`);
    expect(lines[2]).toContain('"99999"');
    expect(pidsOf(folder, 'server')).toEqual([]);
  });

  test('an option that is none', async () => {
    const { code, output } = await startOffice(tempFolder(), {}, ['--prot', '--no-open']).ended;
    expect({ code, output }).toEqual({ code: 1, output: '--prot is no option; npm start -- --help lists them.\n' });
  });

  test('a data folder that can’t be written', async () => {
    const file = join(tempFolder(), 'file');
    writeFileSync(file, '');
    const { code, output } = await startOffice(join(file, 'data')).ended;
    expect(code).toBe(1);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(output).toContain(`The data folder ${join(file, 'data')} can't be written`);
  });

  test.each(['Port 7433 is taken.', 'The data was written by a newer Daena.'])(
    'what the server says is fatal is said once, and it is not started again: %s',
    async (sentence) => {
      const folder = tempFolder();
      const office = startOffice(folder, { STAND_IN_SERVER: `fatal:${sentence}` });
      expect(await office.ended).toEqual({ code: 1, output: `${sentence}\n` });
      expect(pidsOf(folder, 'server')).toHaveLength(1);
      expect(pidsOf(folder, 'agents')).toHaveLength(0);
      expect(existsSync(join(folder, 'daena.lock'))).toBe(false);
    },
  );

  test('agents that can’t run are said once, and the office goes on without them', async () => {
    const folder = tempFolder();
    const office = startOffice(folder, { STAND_IN_AGENTS: 'fatal:The model name is empty.' });
    await office.printed('The model name is empty.');
    office.child.kill('SIGINT');
    const { code, output } = await office.ended;
    expect(code).toBe(0);
    expect(output.split('The model name is empty.')).toHaveLength(2);
    expect(pidsOf(folder, 'agents')).toHaveLength(1);
  });
});

describe('one office for a data folder', () => {
  test('a second start says where the first one is, and leaves it alone', async () => {
    const folder = tempFolder();
    const first = startOffice(folder, { DAENA_PORT: '45673' });
    await first.printed('Stop: ');
    const { code, output } = await startOffice(folder).ended;
    expect(code).toBe(1);
    expect(output).toBe(
      `Daena runs already on ${folder}, at http://127.0.0.1:45673 (process ${first.child.pid}); npm run stop ends it.\n`,
    );
    expect(pidsOf(folder, 'server')).toHaveLength(1);
  });

  test('of two that start at once on a dead one’s lock, exactly one runs', async () => {
    const folder = tempFolder();
    const dead = startOffice(folder);
    await dead.printed('Stop: ');
    dead.child.kill('SIGKILL');
    await dead.ended;
    expect(existsSync(join(folder, 'daena.lock'))).toBe(true);
    const starters = [startOffice(folder), startOffice(folder)];
    const loser = await Promise.race(starters.map(async (starter) => ({ starter, ending: await starter.ended })));
    expect(loser.ending.code).toBe(1);
    expect(loser.ending.output).toContain('Daena runs already');
    const winner = starters.find((starter) => starter !== loser.starter);
    await winner?.printed('Stop: ');
    expect(pidsOf(folder, 'server')).toHaveLength(2);
  });
});

describe('a stop', () => {
  test('npm run stop ends the office from elsewhere and waits until it is gone', async () => {
    const folder = tempFolder();
    const office = startOffice(folder);
    await office.printed('Stop: ');
    await bothRun(folder);
    const stop = await new RunningScript('scripts/stop.ts', ['--data', folder]).ended;
    expect(stop).toEqual({ code: 0, output: 'Daena has stopped.\n' });
    expect((await office.ended).code).toBe(0);
    expect(readLock(join(folder, 'daena.lock'))).toEqual({ kind: 'none' });
    expect([...pidsOf(folder, 'server'), ...pidsOf(folder, 'agents')].filter(isRunning)).toEqual([]);
    const again = await new RunningScript('scripts/stop.ts', ['--data', folder]).ended;
    expect(again).toEqual({ code: 0, output: `Daena does not run on ${folder}.\n` });
  });

  test('asks the programs first; one that doesn’t listen is ended after a bound', async () => {
    const folder = tempFolder();
    const office = startOffice(folder, { STAND_IN_SERVER: 'stubborn' });
    await office.printed('Stop: ');
    office.child.kill('SIGTERM');
    expect((await office.ended).code).toBe(0);
    expect(pidsOf(folder, 'server').filter(isRunning)).toEqual([]);
    expect(linesOf(join(folder, 'logs', 'server.log'))).toContain('server hears {"type":"stop"}');
  });

  test('a launcher that is killed leaves no program behind', async () => {
    const folder = tempFolder();
    const office = startOffice(folder);
    await office.printed('Stop: ');
    await bothRun(folder);
    office.child.kill('SIGKILL');
    await office.ended;
    await until('both programs ended', () =>
      [...pidsOf(folder, 'server'), ...pidsOf(folder, 'agents')].every((pid) => !isRunning(pid)),
    );
  });
});

describe('a program that falls over', () => {
  test('is started again, on the same port even where that was chosen freely', async () => {
    const folder = tempFolder();
    const office = startOffice(folder, { DAENA_PORT: '0' });
    await office.printed('Stop: ');
    await bothRun(folder);
    const [first] = pidsOf(folder, 'server');
    process.kill(first ?? 0, 'SIGKILL');
    await office.printed('The server is back.');
    expect(office.output).toContain('The server ended by itself (SIGKILL) and starts again in 0.05 s');
    expect(pidsOf(folder, 'server')).toHaveLength(2);
    expect(seenBy(folder, 'server').DAENA_PORT).toBe('45678');
    expect(pidsOf(folder, 'agents')).toHaveLength(1);
  });

  test('waits twice as long each time, up to a bound', async () => {
    const folder = tempFolder();
    const office = startOffice(folder, { STAND_IN_AGENTS: 'failing' });
    await until('five restarts', () => (office.output.match(/starts again/g)?.length ?? 0) >= 5);
    const delays = [
      ...office.output.matchAll(/agents ended by itself \(exit code 3\) and starts again in ([\d.]+) s/g),
    ];
    expect(delays.slice(0, 5).map(([, seconds]) => seconds)).toEqual(['0.05', '0.1', '0.2', '0.4', '0.4']);
    expect(restartDelayMs(DEFAULT_BOUNDS, 0)).toBe(500);
    expect(restartDelayMs(DEFAULT_BOUNDS, 10_000)).toBe(30_000);
  });
});
