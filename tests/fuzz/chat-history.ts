/** One chat in which a history happens, and what must hold once all is quiet. */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { readEntries } from '../../sync-server/protocol/segment.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import { hasPending } from '../../sync-server/room/room-document.ts';
import { randomness } from '../support/mutated-frames.ts';
import type { Answer } from '../support/office-caller.ts';
import type { Signed } from '../support/office-people.ts';
import { until } from '../support/until.ts';
import { type Action, DEVICES } from './actions.ts';
import { Device } from './device.ts';
import type { MortalOffice } from './mortal-office.ts';
import { Network } from './network.ts';
import { projectionDifference, repeatedEvents } from './projection-check.ts';
import { type Below, nextEntry, seededUlid } from './written-entries.ts';

/** How long a server that was killed slowly stays dead, in ms. */
const DEAD_MS = 150;

export class ChatHistory {
  readonly #office: MortalOffice;
  readonly #owner: Signed;
  readonly #bob: Signed;
  readonly #document: string;
  readonly #sessionId: string;
  readonly #devices: readonly Device[];
  readonly #networks: readonly Network[];
  readonly #below: Below;
  /** Requests under way; none rejects. */
  readonly #requests: Promise<void>[] = [];
  /** Bodies of messages that were answered by HTTP, by id. */
  readonly #answered = new Map<string, string>();

  private constructor(
    office: MortalOffice,
    [owner, bob]: readonly [Signed, Signed],
    session: string,
    document: string,
    below: Below,
  ) {
    this.#office = office;
    this.#owner = owner;
    this.#bob = bob;
    this.#sessionId = session;
    this.#document = document;
    this.#below = below;
    this.#networks = Array.from({ length: DEVICES }, () => new Network(below));
    this.#devices = this.#networks.map((network, index) => this.#device(index, network));
  }

  static async open(office: MortalOffice, people: readonly [Signed, Signed], seed: number): Promise<ChatHistory> {
    const { session } = await people[0].caller.call('startChat', { body: { scope_type: 'general' } });
    return new ChatHistory(office, people, session.session_id, session.documents.live, randomness(seed));
  }

  get #session(): { readonly params: { readonly id: string } } {
    return { params: { id: this.#sessionId } };
  }

  #device(index: number, network?: Network): Device {
    const { caller, me } = index < 2 ? this.#owner : this.#bob;
    const parts = { caller, document: this.#document, author: me.id, knowsReceipts: index < DEVICES - 1 };
    return new Device({ ...parts, ...(network && { network }) });
  }

  #at(index: number): Device {
    const device = this.#devices[index];
    if (!device) throw new RangeError(`no device ${index}`);
    return device;
  }

  async act(action: Action): Promise<void> {
    const { caller } = this.#owner;
    const session = this.#session;
    switch (action.kind) {
      case 'write':
        return this.#write(this.#at(action.device), action.count, action.pick);
      case 'trespass':
        return this.#trespass(this.#at(action.device), action.pick);
      case 'offline':
        return this.#at(action.device).goOffline();
      case 'online':
        return this.#at(action.device).comeBack();
      case 'reload':
        return this.#at(action.device).reload();
      case 'share':
        return this.#at(action.from).shareWith(this.#at(1 - action.from));
      case 'kill':
        return this.#kill(action.afterTurns, action.isSlow);
      case 'post':
        return this.#post();
      case 'rename':
        return this.#ask(caller.send('renameSession', { ...session, body: { title: `Title ${this.#below(100)}` } }));
      case 'bin':
        return this.#ask(caller.send('binSession', session));
      case 'restore':
        return this.#ask(caller.send('restoreSession', session));
      case 'network':
        return void this.#networks.forEach((network, index) => {
          if (index === action.device) network.isFaulty = action.isFaulty;
        });
      case 'clock':
        return this.#office.clock.advance(action.byMs);
      case 'pause':
        return pause(action.ms);
      default:
        return unreachable(action);
    }
  }

  #write(device: Device, count: number, pick: number): void {
    // Far apart in kind and target, however alike the numbers are.
    const below = randomness(pick);
    for (let left = count; left > 0; left--) {
      const entry = nextEntry(device.author, device.written, this.#office.clock.now(), below);
      device.write([{ ...entry, id: seededUlid(this.#office.clock.now(), this.#below) }]);
    }
  }

  /** An edit of what somebody else wrote, if there is any: the gate does not take it. */
  #trespass(device: Device, pick: number): void {
    const others = readEntries(device.doc).filter(({ kind, author }) => kind === 'message' && author !== device.author);
    const target = others[pick % (others.length || 1)]?.id;
    if (target === undefined) return;
    const at = this.#office.clock.now();
    const id = seededUlid(at, this.#below);
    device.write([{ id, kind: 'edit', author: device.author, at, target, body: 'not mine', mentions: [] }]);
  }

  #post(): void {
    const id = seededUlid(this.#office.clock.now(), this.#below);
    const content = `by HTTP ${id}`;
    const asked = this.#owner.caller.send('postMessage', { ...this.#session, body: { content, message_id: id } });
    this.#ask(asked, () => this.#answered.set(id, content));
  }

  #ask(asked: Promise<Answer>, whenDone: () => void = () => undefined): void {
    this.#requests.push(
      asked.then(
        ({ status }) => {
          if (status < 300) whenDone();
        },
        // The office died before it answered: then it promised nothing.
        () => undefined,
      ),
    );
  }

  async #kill(afterTurns: number, isSlow: boolean): Promise<void> {
    for (let left = afterTurns; left > 0; left--) await turn();
    this.#office.kill();
    if (isSlow) await pause(DEAD_MS);
    await this.#office.start();
  }

  /** Mends all lines, lets everyone bring what they have, and looks. Answers what is wrong. */
  async settle(): Promise<string[]> {
    for (const network of this.#networks) network.isFaulty = false;
    await Promise.all(this.#requests);
    await this.#owner.caller.call('restoreSession', this.#session);
    for (const device of this.#devices) {
      device.goOffline();
      device.comeBack();
    }
    const newcomer = this.#device(0);
    try {
      const seen = (): string[] => this.#wrongWith(newcomer);
      // Where it stays wrong, what is wrong is the answer.
      await until('all is well', () => seen().length === 0).catch(() => undefined);
      return seen();
    } finally {
      newcomer.leave();
    }
  }

  #wrongWith(newcomer: Device): string[] {
    const wrong: string[] = [];
    const { held } = newcomer;
    const refused = new Set([...this.#devices, newcomer].flatMap((device) => [...device.refused]));
    const text = textOf(held);
    if (!newcomer.isSynced) wrong.push('a newcomer is not told everything');
    for (const [index, device] of this.#devices.entries()) {
      if (device.verdicts.length > 0) wrong.push(`device ${index} was turned away: ${device.verdicts}`);
      if (!device.isSynced) wrong.push(`device ${index} is not synced`);
      if (hasPending(device.doc)) wrong.push(`device ${index} waits for changes that it lacks`);
      const own = new Map([...device.held].filter(([id]) => !refused.has(id)));
      if (textOf(own) !== text) wrong.push(`device ${index} holds ${own.size} entries, a newcomer ${held.size}`);
      if (device.promised.length < device.written.length) wrong.push(`device ${index} has no receipt for everything`);
      for (const { id } of device.written) {
        if (held.has(id) === refused.has(id))
          wrong.push(`${id} of device ${index} is neither taken nor refused, or both`);
      }
    }
    for (const [id, entry] of this.#at(DEVICES - 1).seen) {
      if (JSON.stringify(held.get(id)) !== entry) wrong.push(`${id} was relayed, and is not there or another`);
    }
    for (const [id, body] of this.#answered) {
      if (!isSaying(held.get(id), body)) wrong.push(`${id} was answered, and is not there`);
    }
    const difference = projectionDifference(this.#office.dataFolder, this.#sessionId, newcomer.doc);
    if (difference !== null) wrong.push(`the projection: ${difference}`);
    if (repeatedEvents(this.#office.dataFolder, this.#sessionId) > 0) wrong.push('an event stands twice');
    return wrong;
  }

  leave(): void {
    for (const device of this.#devices) device.leave();
  }
}

const isSaying = (entry: unknown, body: string): boolean =>
  typeof entry === 'object' && entry !== null && 'body' in entry && entry.body === body;

const textOf = (held: ReadonlyMap<string, unknown>): string =>
  JSON.stringify([...held].sort(([a], [b]) => (a < b ? -1 : 1)));
