import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ModelClient } from '../../../agents/model/model-client.ts';
import { readConfig } from '../../../agents/rehearsal/config.ts';
import { forkRehearsal } from './forked-rehearsal.ts';

const MAIN = fileURLToPath(new URL('../../../agents/rehearsal/main.ts', import.meta.url));
const REQUEST = { model: 'rehearsal', messages: [{ role: 'user', content: 'Hello' }] } as const;

test('a forked server is controlled over IPC and ends when told', async () => {
  const rehearsal = await forkRehearsal();
  const client = new ModelClient({ host: rehearsal.url });
  await rehearsal.script({ fault: { kind: 'end-without-done', afterChunks: 1 } });
  const first = (async () => {
    for await (const _event of client.chat(REQUEST));
  })();
  await expect(first).rejects.toMatchObject({ code: 'interrupted' });
  await rehearsal.install('qwen3:4b');
  expect((await client.models()).map((model) => model.name)).toEqual(['rehearsal:latest', 'qwen3:4b']);
  const report = await rehearsal.report();
  expect(report.requests.map((request) => request.body.messages[0]?.content)).toEqual(['Hello']);
  expect(await rehearsal.stop()).toBe(0);
});

test('run by hand it prints its address, has no control, and ends on SIGTERM', async () => {
  const child = spawn(process.execPath, [MAIN], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = await once(child.stdout, 'data');
  expect(await new ModelClient({ host: String(line).trim() }).version()).toBe('0.24.0');
  child.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
});

test('a setting that cannot be read ends it with one sentence and the code that forbids a restart', async () => {
  const env = { ...process.env, DAENA_REHEARSAL_PORT: 'many' };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(said.trim()).toBe('DAENA_REHEARSAL_PORT must be a whole number from 0 to 65535, not "many".');
  expect(code).toBe(78);
});

test('every wrong setting is named', () => {
  expect(readConfig({})).toEqual({ port: 0 });
  expect(readConfig({ DAENA_REHEARSAL_PORT: '70000', DAENA_REHEARSAL_LOAD_MS: '-1' })).toEqual({
    wrong: [expect.stringContaining('PORT'), expect.stringContaining('LOAD_MS')],
  });
});
