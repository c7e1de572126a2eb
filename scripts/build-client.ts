// npm run build: builds the browser's part if its sources have changed.
import { resolve } from 'node:path';
import { buildClientIfStale } from './launcher/client-build.ts';

const root = resolve(import.meta.dirname, '..');
const say = (line: string) => process.stdout.write(`${line}\n`);
const outcome = await buildClientIfStale(root, new AbortController().signal, say);
if (outcome.kind === 'fresh') say('The client is up to date.');
if (outcome.kind === 'failed') say(outcome.output);
process.exitCode = outcome.kind === 'failed' ? 1 : 0;
