/** One chat in which a history happens, and what it looks like once all is quiet. */
import { join } from 'node:path';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { openLevelUpdateLog } from '../../persistence/log/level-update-log.ts';
import { treatOffice } from '../../scripts/doctor/treat.ts';
import { parseDocumentName, segmentName } from '../../sync-server/protocol/document-name.ts';
import type { SessionId } from '../../sync-server/protocol/ids.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import { loadDocument } from '../../sync-server/room/room-document.ts';
import { randomness } from '../support/mutated-frames.ts';
import type { Answer } from '../support/office-caller.ts';
import { type Signed, signIn } from '../support/office-people.ts';
import { until } from '../support/until.ts';
import { type Action, DEVICES, isOwners, LAPTOP, LENT, READER } from './commands.ts';
import { type Content, referring, saying } from './deeds.ts';
import { Device } from './device.ts';
import { AFTERWARDS, type Aftermath, broken, WHILE_QUIET } from './invariants.ts';
import type { Look } from './look.ts';
import type { MortalOffice } from './mortal-office.ts';
import type { MortalWorker } from './mortal-worker.ts';
import { Network } from './network.ts';
import { SMALL_SEGMENTS } from './small-segments.ts';
import { type Below, seededUlid } from './written-entries.ts';

/** How long a server that was killed slowly stays dead, in ms. */
const DEAD_MS = 150;
/** Longer than an empty room stays in memory, in ms of the office's clock. */
const IDLE_MS = 31_000;
/** How long to wait for rooms to be closed, in ms. */
const CLOSING_MS = 400;
/** Longer than the office gathers what it says of late arrivals, in ms. */
const GATHERING_MS = 1_200;
/** A frame of a type that no version knows. */
const BABBLE = Uint8Array.of(77, 1, 2, 3);

export interface Cast {
  readonly office: MortalOffice;
  readonly worker: MortalWorker;
  readonly owner: Signed;
  /** Signed in anew after each time that he was locked out. */
  bob: Signed & { readonly password: string };
}

export class ChatHistory {
  readonly #cast: Cast;
  readonly #document: string;
  readonly #sessionId: SessionId;
  readonly #devices: readonly Device[];
  readonly #networks: readonly Network[];
  readonly #below: Below;
  /** Requests under way; none rejects. */
  readonly #requests: Promise<void>[] = [];
  readonly #posted = new Set<string>();
  readonly #answered = new Map<string, string>();
  readonly #lockOutsMs: number[] = [];

  private constructor(cast: Cast, document: string, below: Below) {
    const ref = parseDocumentName(document);
    if (ref === null) throw new RangeError(`no document: ${document}`);
    this.#cast = cast;
    this.#sessionId = ref.sessionId;
    this.#document = document;
    this.#below = below;
    this.#networks = Array.from({ length: DEVICES }, () => new Network(below));
    this.#devices = this.#networks.map((network, index) =>
      // The laptop has one line, whoever sits there.
      this.#device(index, index === LENT ? this.#networks[LAPTOP] : network),
    );
    this.#at(LENT).goOffline();
  }

  /** A new chat in which both have said something: to one who is alone, an agent answers each time. */
  static async open(cast: Cast, seed: number): Promise<ChatHistory> {
    const { session } = await cast.owner.caller.call('startChat', { body: { scope_type: 'general' } });
    const chat = new ChatHistory(cast, session.documents.live, randomness(seed));
    for (const { caller } of [cast.bob, cast.owner]) await chat.#post(caller);
    return chat;
  }

  get #session(): { readonly params: { readonly id: string } } {
    return { params: { id: this.#sessionId } };
  }

  #device(index: number, network?: Network): Device {
    const current = (): Signed => (isOwners(index) ? this.#cast.owner : this.#cast.bob);
    const caller = {
      get url() {
        return current().caller.url;
      },
      get headers() {
        return current().caller.headers;
      },
    };
    const parts = { caller, document: this.#document, author: current().me.id, knowsReceipts: index !== READER };
    return new Device({ ...parts, ...(network && { network }) });
  }

  #at(index: number): Device {
    const device = this.#devices[index];
    if (!device) throw new RangeError(`no device ${index}`);
    return device;
  }

  async act(action: Action): Promise<void> {
    const { caller } = this.#cast.owner;
    const session = this.#session;
    switch (action.kind) {
      case 'write':
        return this.#say(this.#at(action.device), action.count);
      case 'roll':
        // Full, whatever was there: as soon as the office has it.
        return this.#say(this.#at(action.device), SMALL_SEGMENTS.entries);
      case 'ask':
        return this.#put(this.#at(action.device), saying(true, this.#below));
      case 'edit':
      case 'retract':
      case 'react':
      case 'again':
      case 'stop':
      case 'trespass': {
        const device = this.#at(action.device);
        return this.#put(device, referring(action, { device, sessionId: this.#sessionId, below: this.#below }));
      }
      case 'babble':
        return this.#at(action.device).sendRaw(BABBLE);
      case 'offline':
        return this.#at(action.device).goOffline();
      case 'online':
        return this.#at(action.device).comeBack();
      case 'reload':
        return this.#at(action.device).reload();
      case 'share':
        return this.#at(action.from).shareWith(this.#at(1 - action.from));
      case 'lend':
        return this.#lend();
      case 'kill':
        return this.#kill(action.afterTurns, action.isSlow);
      case 'killWorker':
        await this.#cast.worker.kill();
        return this.#cast.worker.start(this.#cast.office.tokenFile);
      case 'compact':
        return this.#compact();
      case 'lockOut':
        return this.#lockOut();
      case 'post':
        return void this.#post(caller);
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
        return this.#cast.office.clock.advance(action.byMs);
      case 'pause':
        return pause(action.ms);
      default:
        return unreachable(action);
    }
  }

  #put(device: Device, content: Content | null): void {
    if (content === null) return;
    const at = this.#cast.office.clock.now();
    device.write([{ id: seededUlid(at, this.#below), author: device.author, at, ...content }]);
  }

  #say(device: Device, count: number): void {
    for (let left = count; left > 0; left--) this.#put(device, saying(false, this.#below));
  }

  /** The other of the two sits down at the laptop, with a store of their own. */
  #lend(): void {
    const [laptop, lent] = [this.#at(LAPTOP), this.#at(LENT)];
    const [leaving, coming] = lent.isOnline ? [lent, laptop] : [laptop, lent];
    leaving.goOffline();
    coming.comeBack();
  }

  #post(caller: Signed['caller']): Promise<void> {
    const id = seededUlid(this.#cast.office.clock.now(), this.#below);
    const content = `by HTTP ${id}`;
    this.#posted.add(id);
    const asked = caller.send('postMessage', { ...this.#session, body: { content, message_id: id } });
    return this.#ask(asked, () => this.#answered.set(id, content));
  }

  async #ask(asked: Promise<Answer>, whenDone: () => void = () => undefined): Promise<void> {
    const told = asked.then(
      ({ status }) => {
        if (status < 300) whenDone();
      },
      // The office died before it answered: then it promised nothing.
      () => undefined,
    );
    this.#requests.push(told);
    await told;
  }

  async #kill(afterTurns: number, isSlow: boolean): Promise<void> {
    const { office } = this.#cast;
    for (let left = afterTurns; left > 0; left--) await turn();
    office.kill();
    if (isSlow) await pause(DEAD_MS);
    await office.start();
  }

  /** Everyone leaves for so long that the rooms close, and what is long is compacted. */
  async #compact(): Promise<void> {
    const online = this.#devices.filter(({ isOnline }) => isOnline);
    for (const device of online) device.goOffline();
    await this.#emptyRooms(CLOSING_MS);
    for (const device of online) device.comeBack();
  }

  /** Lets time pass until no room is in memory, or that takes too long. Answers how many still are. */
  async #emptyRooms(boundMs: number): Promise<number> {
    const endsAt = performance.now() + boundMs;
    for (;;) {
      const { text } = await this.#cast.owner.caller.request('GET', '/metrics');
      const open = Number(/^daena_rooms_open (\d+)$/m.exec(text)?.[1]);
      if (open === 0 || performance.now() > endsAt) return open;
      this.#cast.office.clock.advance(IDLE_MS);
      await pause(20);
    }
  }

  /** Bob's account is taken from him, and given back. */
  async #lockOut(): Promise<void> {
    const { owner, bob, office } = this.#cast;
    const params = { id: bob.me.id };
    const his = this.#devices.filter((_, index) => !isOwners(index));
    const startedAt = performance.now();
    await owner.caller.call('updateMember', { params, body: { disabled: true } });
    await until('somebody locked out is gone', () => his.every(({ isConnected }) => !isConnected));
    this.#lockOutsMs.push(performance.now() - startedAt);
    await owner.caller.call('updateMember', { params, body: { disabled: false } });
    const { password } = bob;
    this.#cast.bob = { ...(await signIn(() => office.url, { email: bob.me.email, password })), password };
    for (const device of his) {
      // That he was turned away is as it should be.
      device.verdicts.length = 0;
      if (!device.isOnline) continue;
      device.goOffline();
      device.comeBack();
    }
  }

  /** Mends all lines, lets everyone bring what they have, and looks; then again when all left, and after a death. */
  async settle(): Promise<string[]> {
    for (const network of this.#networks) network.isFaulty = false;
    await Promise.all(this.#requests);
    await this.#cast.owner.caller.call('restoreSession', this.#session);
    for (const device of this.#devices) {
      device.goOffline();
      device.comeBack();
    }
    const newcomer = this.#device(LAPTOP);
    try {
      const look = (): Look => this.#look(newcomer);
      let lookedAt = Math.round(performance.now());
      let wellForMs = 0;
      const isWell = (): boolean => {
        const passedMs = Math.round(performance.now()) - lookedAt;
        lookedAt += passedMs;
        // Leases and waits of the scheduler run out as they would.
        this.#cast.office.clock.advance(passedMs);
        wellForMs = broken(WHILE_QUIET, look()).length === 0 ? wellForMs + passedMs : 0;
        return wellForMs > GATHERING_MS;
      };
      // Where it stays wrong, what is wrong is the answer.
      await until('all is well', isWell).catch(() => undefined);
      const wrong = broken(WHILE_QUIET, look());
      return wrong.length > 0 ? wrong : broken(AFTERWARDS, await this.#aftermath(look()));
    } finally {
      newcomer.leave();
    }
  }

  #look(newcomer: Device): Look {
    const { office } = this.#cast;
    return {
      dataFolder: office.dataFolder,
      sessionId: this.#sessionId,
      devices: this.#devices,
      newcomer,
      posted: this.#posted,
      answered: this.#answered,
      lockOutsMs: this.#lockOutsMs,
      errors: office.errors,
    };
  }

  async #aftermath(look: Look): Promise<Aftermath> {
    const { office } = this.#cast;
    for (const device of [...look.devices, look.newcomer]) device.goOffline();
    const roomsOpen = await this.#emptyRooms(5_000);
    office.kill();
    const replayed = await this.#replay(look.newcomer.documents.length);
    const lines: string[] = [];
    const { signal } = new AbortController();
    const say = (line: string): void => void lines.push(line);
    const isWhole = await treatOffice({ dataFolder: office.dataFolder, isRepairing: false, say, signal });
    await office.start();
    const survivor = this.#device(LAPTOP);
    const isTold = (): boolean => survivor.isSynced && survivor.documents.length >= replayed.length;
    await until('a device is told everything after the death', isTold);
    survivor.leave();
    const complaints = isWhole ? [] : lines.filter((line) => line.startsWith('FAIL'));
    return { look, roomsOpen, replayed, complaints, survivor };
  }

  async #replay(segments: number): Promise<Aftermath['replayed']> {
    const log = await openLevelUpdateLog(join(this.#cast.office.dataFolder, 'log'), { durability: 'process' });
    try {
      const names = Array.from({ length: segments }, (_, index) => segmentName(this.#sessionId, index + 1));
      return await Promise.all(names.map((name) => loadDocument(log, name)));
    } finally {
      await log.close();
    }
  }

  leave(): void {
    for (const device of this.#devices) device.leave();
  }
}
