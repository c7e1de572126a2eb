import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RehearsalServer } from '../../agents/rehearsal/rehearsal-server.ts';
import { readEntries } from '../../sync-server/protocol/segment.ts';
import { eventually } from '../support/eventually.ts';
import { makeLease } from '../support/leases.ts';
import { WORKER_TOKEN, WorkerOffice } from '../support/worker-office.ts';

const MAIN = fileURLToPath(new URL('../../agents/main.ts', import.meta.url));

let folder: string;
let office: WorkerOffice;
let model: RehearsalServer;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daena-worker-'));
  office = new WorkerOffice();
  await office.start();
  model = await RehearsalServer.start({ pace: { chunkDelayMs: 1, loadMs: 0 } });
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await office.stop();
  await model.close();
  await rm(folder, { recursive: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly said: unknown[];
  output(): string;
}

function start(env: Record<string, string>): Started {
  const child = fork(MAIN, { env: { PATH: process.env.PATH, ...env }, silent: true });
  children.push(child);
  const said: unknown[] = [];
  let output = '';
  child.on('message', (message) => said.push(message));
  child.stdout?.on('data', (text) => (output += text));
  child.stderr?.on('data', (text) => (output += text));
  return { child, said, output: () => output };
}

const settings = (): Record<string, string> => ({
  DAENA_SERVER: office.url,
  DAENA_WORKER_TOKEN_FILE: join(folder, 'worker.token'),
  OLLAMA_HOST: model.url,
});

test('the process waits for its token, is ready once connected, answers, and stops when told to', async () => {
  const worker = start(settings());
  await eventually('that it waits', () => worker.output().includes('Waiting for the server to write'));
  await writeFile(join(folder, 'worker.token'), `${WORKER_TOKEN}\n`);
  await eventually('that it is ready', () => worker.said.length > 0);
  expect(worker.said).toEqual([{ type: 'ready' }]);
  await eventually('what answers', () => office.said('brain').some(({ status }) => status.llm_available));
  const lease = makeLease();
  office.give(lease);
  await eventually('the reply', () => readEntries(office.document(lease.document)).length === 1);
  worker.child.send({ type: 'stop' });
  expect(await once(worker.child, 'exit')).toEqual([0, null]);
});

test('settings that are wrong are told once, and the exit code says that starting again will not help', async () => {
  const worker = start({ ...settings(), DAENA_SERVER: 'nowhere' });
  expect(await once(worker.child, 'exit')).toEqual([78, null]);
  expect(worker.said).toEqual([{ type: 'fatal', message: expect.stringContaining('DAENA_SERVER') }]);
});

test.each(['SIGTERM', 'disconnect'] as const)('it stops cleanly on %s', async (way) => {
  await writeFile(join(folder, 'worker.token'), WORKER_TOKEN);
  const worker = start(settings());
  await eventually('that it is ready', () => worker.said.length > 0);
  if (way === 'disconnect') worker.child.disconnect();
  else worker.child.kill(way);
  expect(await once(worker.child, 'exit')).toEqual([0, null]);
});
