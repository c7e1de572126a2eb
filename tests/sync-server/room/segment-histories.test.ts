import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold } from '../../../sync-server/protocol/fold.ts';
import { messageNow as message } from '../../support/entries.ts';
import type { OfficeCaller } from '../../support/office-caller.ts';
import { openHeldOffice } from '../../support/office-in-process.ts';
import { connect, contentOf, type OfficePeer } from '../../support/office-peer.ts';
import { until } from '../../support/until.ts';

const LIMITS = { entries: 8, bytes: 100_000, sealedEntries: 1_000, sealedBytes: 2_000_000 };
const DEVICES = 4;
const STEPS = 160;
const SEED = 20_261_122;

/** A device as clients are: it writes in the newest segment that it knows of, and goes on when it sees that one's seal. */
class RollingDevice {
  readonly peers: OfficePeer[] = [];
  #isOffline = false;
  readonly #caller: OfficeCaller;
  readonly #session: string;

  constructor(caller: OfficeCaller, session: string) {
    this.#caller = caller;
    this.#session = session;
    this.#joinNext();
  }

  get isSaved(): boolean {
    return this.peers.every((peer) => peer.isSaved);
  }

  write(author: string, n: number): void {
    this.#newest.write(message(author, n));
  }

  turnOff(): void {
    this.#isOffline = true;
    for (const { provider } of this.peers) provider.disconnect();
  }

  turnOn(): void {
    this.#isOffline = false;
    for (const { provider } of this.peers) provider.connect();
  }

  /** Follows a seal that it has seen; answers whether there was one. */
  follow(): boolean {
    const isSealed = !this.#isOffline && this.#newest.entries.some(({ kind }) => kind === 'sealed');
    if (isSealed) this.#joinNext();
    return isSealed;
  }

  #joinNext(): void {
    const document = `session/${this.#session}/${this.peers.length + 1}`;
    this.peers.push(connect(this.#caller, document, { receipts: true }));
  }

  get #newest(): OfficePeer {
    const newest = this.peers.at(-1);
    if (!newest) throw new Error('a device without a document');
    return newest;
  }
}

type Step =
  | { readonly does: 'write'; readonly device: number }
  | { readonly does: 'off' | 'on'; readonly device: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    device: fc.nat({ max: DEVICES - 1 }),
    does: fc.oneof(
      { weight: 10, arbitrary: fc.constant('write' as const) },
      { weight: 1, arbitrary: fc.constant('off' as const) },
      { weight: 1, arbitrary: fc.constant('on' as const) },
    ),
  }),
  { minLength: STEPS, maxLength: STEPS },
);

test(`[INV3] [INV4] [SG4] [SG7] devices that come and go over many rolls lose nothing and double nothing (seed ${SEED})`, async () => {
  const office = await openHeldOffice({ segmentLimits: LIMITS });
  const { caller, me } = office.owner;
  const { session_id: id } = await caller.call('startChat', { body: { scope_type: 'general' } });
  const devices = Array.from({ length: DEVICES }, () => new RollingDevice(caller, id));
  const [history = []] = fc.sample(steps, { numRuns: 1, seed: SEED });
  let written = 0;
  for (const { does, device: index } of history) {
    const device = devices[index];
    if (does === 'write') device?.write(me.id, ++written);
    if (does === 'off') device?.turnOff();
    if (does === 'on') device?.turnOn();
    for (const each of devices) each.follow();
    // Some of what was sent arrives before the next step, and some does not.
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const device of devices) device.turnOn();
  await until('all is saved, and everyone in the live segment', () => {
    const isFollowing = devices.map((device) => device.follow()).includes(true);
    return (
      !isFollowing && devices.every(({ isSaved }) => isSaved) && new Set(devices.map((d) => d.peers.length)).size === 1
    );
  });
  const messages = await until('all is projected', async () => {
    const page = await caller.call('messages', { params: { id }, query: { limit: 200 } });
    return page.messages.length === written && page.messages;
  });
  expect(written).toBeGreaterThan(100);
  const last = devices[0]?.peers.length ?? 0;
  expect(last).toBeGreaterThan(5);
  const pages = await Promise.all(
    Array.from({ length: last }, (_, n) => caller.call('segment', { params: { id, n: String(n + 1) } })),
  );
  expect(fold(pages.flatMap(({ entries }) => entries)).items.map((item) => item.id)).toEqual(
    messages.map(({ message_id }) => message_id),
  );
  for (const [index, page] of pages.entries()) {
    const fresh = await connect(caller, `session/${id}/${index + 1}`).synced();
    await until(`all replicas of segment ${index + 1} hold the same`, () =>
      devices.every(({ peers }) => peers[index] && contentOf(peers[index].doc) === contentOf(fresh.doc)),
    );
    const ids = new Set<string>(page.entries.map((entry) => entry.id));
    for (const entry of fresh.entries) expect(ids.has(entry.id) || entry.kind === 'arrived').toBe(true);
  }
  expect(
    devices.flatMap(({ peers }) =>
      peers.flatMap(({ nacks, closes }) => [...nacks, ...closes.filter(({ code }) => code >= 4400 && code < 4500)]),
    ),
  ).toEqual([]);
});
