import { expect, onTestFinished, test } from 'vitest';
import { Brain, type BrainOptions, type Timer } from '../../../agents/model/brain.ts';
import type { BrainStatus } from '../../../agents/model/brain-state.ts';
import { type RehearsalOptions, RehearsalServer } from '../../../agents/rehearsal/rehearsal-server.ts';

const AT_ONCE = { chunkDelayMs: 0, loadMs: 0 };

/** Runs what is due when told to. */
class ManualTimer implements Timer {
  #due: (() => void) | null = null;
  waitedMs: number | null = null;

  after(ms: number, run: () => void) {
    this.waitedMs = ms;
    this.#due = run;
    return {
      cancel: () => {
        if (this.#due === run) this.#due = null;
      },
    };
  }

  get isArmed(): boolean {
    return this.#due !== null;
  }

  fire(): void {
    const due = this.#due;
    this.#due = null;
    due?.();
  }
}

async function server(options: RehearsalOptions = {}): Promise<RehearsalServer> {
  const started = await RehearsalServer.start({ pace: AT_ONCE, ...options });
  onTestFinished(() => started.close());
  return started;
}

/** An address where nobody listens, and its port for a later server. */
async function freePort(): Promise<{ url: string; port: number }> {
  const { url } = await RehearsalServer.start().then(async (probe) => {
    await probe.close();
    return probe;
  });
  return { url, port: Number(new URL(url).port) };
}

async function brainWith(options: Partial<BrainOptions>) {
  const timer = new ManualTimer();
  const changes: BrainStatus[] = [];
  let standIns = 0;
  const brain = new Brain({
    explicitHost: null,
    wantedModel: null,
    findBinary: async () => null,
    startRehearsal: () => {
      standIns += 1;
      return RehearsalServer.start({ pace: AT_ONCE });
    },
    timer,
    ...options,
  });
  onTestFinished(() => brain.stop());
  brain.onChange((status) => changes.push(status));
  await brain.start();
  /** The interval passes; resolves when that look is over. */
  const nextLook = async () => {
    timer.fire();
    await brain.probe();
  };
  return { brain, timer, changes, nextLook, standIns: () => standIns };
}

test('without Ollama it rehearses, and switches without a restart once Ollama is installed', async () => {
  const { url, port } = await freePort();
  const { brain, timer, changes, nextLook, standIns } = await brainWith({ defaultHost: url, probeIntervalMs: 1234 });
  expect(brain.endpoint()).toMatchObject({ provider: 'rehearsal', model: 'rehearsal:latest' });
  expect(timer.waitedMs).toBe(1234);
  await nextLook();
  expect(standIns()).toBe(1);
  expect(changes.length).toBe(1);

  await server({ port, models: ['qwen2.5:7b-instruct', 'other'] });
  await nextLook();
  expect(brain.endpoint()).toEqual({ provider: 'ollama', host: url, model: 'qwen2.5:7b-instruct' });
  expect(changes.map((status) => status.provider)).toEqual(['rehearsal', 'ollama']);
});

test('an installed Ollama that is not running is waited for, not rehearsed', async () => {
  const { url, port } = await freePort();
  const { brain, nextLook, standIns } = await brainWith({
    defaultHost: url,
    findBinary: async () => '/usr/bin/ollama',
  });
  expect(brain.status()).toMatchObject({ connected: false, provider: 'ollama', error: expect.stringContaining(url) });
  expect(brain.endpoint()).toBeNull();

  await server({ port, models: ['llama3.2:1b'] });
  await nextLook();
  expect(brain.endpoint()).toMatchObject({ provider: 'ollama', model: 'llama3.2:1b' });
  expect(standIns()).toBe(0);
});

test('an Ollama that goes away makes turns wait; no script answers in its place', async () => {
  const ollama = await server({ models: ['llama3.2:1b'] });
  const { brain, nextLook, standIns } = await brainWith({ defaultHost: ollama.url });
  expect(brain.status().connected).toBe(true);
  await ollama.close();
  await nextLook();
  await nextLook();
  expect(brain.status()).toMatchObject({ connected: false, provider: 'ollama' });
  expect(standIns()).toBe(0);
});

test('an OLLAMA_HOST that is set is used whether or not it answers', async () => {
  const { url, port } = await freePort();
  const other = await server();
  const { brain, nextLook, standIns } = await brainWith({ explicitHost: url, defaultHost: other.url });
  expect(brain.status()).toMatchObject({ connected: false, provider: 'ollama' });
  await server({ port });
  await nextLook();
  expect(brain.endpoint()).toEqual({ provider: 'ollama', host: url, model: 'rehearsal:latest' });
  expect(standIns()).toBe(0);
});

test('a wanted model that is missing is named, and taken once it is there', async () => {
  const ollama = await server({ models: ['llama3.2:1b'] });
  const { brain, nextLook } = await brainWith({ explicitHost: ollama.url, wantedModel: 'qwen3:4b' });
  expect(brain.status()).toMatchObject({
    connected: true,
    llm_available: false,
    error: expect.stringContaining('qwen3:4b'),
  });
  ollama.install('qwen3:4b');
  await nextLook();
  expect(brain.status()).toMatchObject({ llm_available: true, active_model: 'qwen3:4b' });
  expect(
    brain
      .status()
      .models.filter((model) => model.active)
      .map((model) => model.name),
  ).toEqual(['qwen3:4b']);
});

test('a stand-in that cannot start is told, and tried again', async () => {
  const { url } = await freePort();
  let tries = 0;
  const { brain, nextLook } = await brainWith({
    defaultHost: url,
    startRehearsal: async () => {
      tries += 1;
      if (tries === 1) throw new Error('no port left');
      return RehearsalServer.start({ pace: AT_ONCE });
    },
  });
  expect(brain.status()).toMatchObject({ connected: false, error: expect.stringContaining('no port left') });
  await nextLook();
  expect(brain.status().connected).toBe(true);
});

test('looks do not overlap, and after stop there are none', async () => {
  const ollama = await server();
  const { brain, timer } = await brainWith({ explicitHost: ollama.url });
  expect(brain.probe()).toBe(brain.probe());
  await brain.probe();
  expect(timer.isArmed).toBe(true);
  await brain.stop();
  expect(timer.isArmed).toBe(false);
});
