import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  describeOllama,
  ensureOllama,
  type OllamaAddress,
  type OllamaOutcome,
  ollamaCommand,
} from '../../scripts/launcher/ollama.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { linesOf } from './running-office.ts';

// What a program named `ollama` does here: notes its process id, its arguments and its address, then listens there.
const LISTENING = `
const { appendFileSync } = require('node:fs');
const { hostname, port } = new URL(process.env.OLLAMA_HOST);
appendFileSync(process.env.NOTES, [process.pid, process.argv.slice(2).join(' '), process.env.OLLAMA_HOST].join(';') + '\\n');
require('node:http').createServer((_, response) => response.end('{"version":"0.24.0"}')).listen(Number(port), hostname);
`;

function program(source: string): string {
  const path = join(tempFolder(), 'ollama');
  writeFileSync(path, `#!${process.execPath}\n${source}`);
  chmodSync(path, 0o755);
  return path;
}

async function address(url?: string): Promise<OllamaAddress> {
  return { url: url ?? `http://127.0.0.1:${await freePort()}`, isLocal: true, isChosen: false };
}

const never = new AbortController().signal;

test('an Ollama that answers is used, and no second one is started', async () => {
  const server = createServer((_, response) => response.end('{"version":"0.24.0"}'));
  const url = await new Promise<string>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      resolve(`http://127.0.0.1:${at !== null && typeof at === 'object' ? at.port : 0}`);
    });
  });
  onTestFinished(() => void server.close());
  const command = { program: '/nowhere/ollama', args: ['serve'] };
  const outcome = await ensureOllama({ address: await address(url), environment: {}, command, signal: never });
  expect(outcome).toEqual({ kind: 'answers', url });
});

test('an installed one that does not answer is started at its address, and outlives the wait', async () => {
  const notes = join(tempFolder(), 'notes');
  const at = await address();
  const command = { program: program(LISTENING), args: ['serve'] };
  const environment = { ...process.env, NOTES: notes };
  const outcome = await ensureOllama({ address: at, environment, command, signal: never });
  const [pid, args, host] = linesOf(notes)[0]?.split(';') ?? [];
  onTestFinished(() => void process.kill(Number(pid)));
  expect(outcome).toEqual({ kind: 'started', url: at.url });
  expect([args, host]).toEqual(['serve', at.url]);
  expect(describeOllama(outcome)[0]).toContain('left running');
});

test('the step that failed is named', async () => {
  const run = async (path: string, startTimeoutMs = 20_000) => {
    const command = { program: path, args: ['serve'] };
    return ensureOllama({ address: await address(), environment: process.env, command, signal: never, startTimeoutMs });
  };
  const sentences = [
    describeOllama(await run(program('process.exit(3)'))),
    describeOllama(await run('/nowhere/ollama')),
    describeOllama(await run(program('setTimeout(() => undefined, 3_000)'), 800)),
  ].flat();
  expect(sentences).toHaveLength(3);
  expect(sentences[0]).toContain('ended with exit code 3');
  expect(sentences[1]).toContain('could not be started');
  expect(sentences[2]).toContain('did not answer at http://127.0.0.1:');
});

test('without one installed it says so, and where to get it', async () => {
  const outcome = await ensureOllama({ address: await address(), environment: {}, command: null, signal: never });
  expect(outcome).toEqual({ kind: 'not-installed' });
  expect(describeOllama(outcome)).toEqual([expect.stringMatching(/rehearsal model.*https:\/\/ollama\.com/)]);
});

test('for another machine’s address none is started here', async () => {
  const command = { program: '/nowhere/ollama', args: ['serve'] };
  const far = { ...(await address()), isLocal: false };
  const outcome = await ensureOllama({ address: far, environment: {}, command, signal: never });
  expect(outcome).toEqual({ kind: 'away', url: far.url });
});

test('where OLLAMA_HOST names one that is not installed, no rehearsal is promised', async () => {
  const chosen = { ...(await address()), isChosen: true };
  const outcome = await ensureOllama({ address: chosen, environment: {}, command: null, signal: never });
  expect(outcome).toEqual({ kind: 'away', url: chosen.url });
  expect(describeOllama(outcome)[0]).not.toContain('rehearsal');
});

test('a stop of the office ends the wait', async () => {
  const stop = new AbortController();
  const command = { program: program('setTimeout(() => undefined, 3_000)'), args: ['serve'] };
  const waiting = ensureOllama({ address: await address(), environment: process.env, command, signal: stop.signal });
  stop.abort();
  const outcome: OllamaOutcome = await waiting;
  expect(outcome).toEqual({ kind: 'aborted' });
});

test('it is found on the PATH', async () => {
  const path = program('');
  const { PATH } = process.env;
  onTestFinished(() => {
    process.env.PATH = PATH;
  });
  process.env.PATH = join(path, '..');
  expect(await ollamaCommand()).toEqual({ program: path, args: ['serve'] });
});
