/**
 * What may happen in a chat, as commands on a model: the model knows just enough to say what makes sense next, and the
 * real thing is a `ChatHistory`. Shrinking drops commands and makes their numbers smaller.
 */
import fc from 'fast-check';
import type { ChatHistory } from './chat-history.ts';

/** Devices in every history, by what they are. `LENT` is the laptop while somebody else is signed in on it. */
export const LAPTOP = 0;
export const SECOND_TAB = 1;
export const PHONE = 2;
/** Bob's stock provider that only reads. */
export const READER = 3;
export const LENT = 4;
export const DEVICES = 5;
/** Whose a device is: the owner's, or Bob's. */
export const isOwners = (device: number): boolean => device === LAPTOP || device === SECOND_TAB;

/** One thing that happens. `pick` chooses among what there is at that moment, and counts round. */
export type Action =
  | { readonly kind: 'write'; readonly device: number; readonly count: number }
  | {
      readonly kind: 'edit' | 'retract' | 'again' | 'stop' | 'trespass';
      readonly device: number;
      readonly pick: number;
    }
  | { readonly kind: 'react'; readonly device: number; readonly pick: number; readonly isOn: boolean }
  | { readonly kind: 'ask' | 'babble' | 'roll'; readonly device: number }
  | { readonly kind: 'offline' | 'online' | 'reload'; readonly device: number }
  | { readonly kind: 'share'; readonly from: 0 | 1 }
  | { readonly kind: 'kill'; readonly afterTurns: number; readonly isSlow: boolean }
  | { readonly kind: 'lend' | 'killWorker' | 'compact' | 'lockOut' | 'post' | 'rename' | 'bin' | 'restore' }
  | { readonly kind: 'network'; readonly device: number; readonly isFaulty: boolean }
  | { readonly kind: 'clock'; readonly byMs: number }
  | { readonly kind: 'pause'; readonly ms: number };

export interface ChatModel {
  readonly isOnline: boolean[];
  /** The laptop's owner lent it to Bob. */
  isLent: boolean;
  /** Messages that each device wrote. */
  readonly messages: number[];
  /** Messages that asked an agent. */
  asked: number;
  isBinned: boolean;
}

export const newModel = (): ChatModel => ({
  isOnline: Array.from({ length: DEVICES }, (_, device) => device !== LENT),
  isLent: false,
  messages: Array.from({ length: DEVICES }, () => 0),
  asked: 0,
  isBinned: false,
});

/** Whether somebody sits at the device: at the laptop it is one or the other. */
function isManned(model: ChatModel, device: number): boolean {
  if (device === LAPTOP) return !model.isLent;
  return device !== LENT || model.isLent;
}

function isPossible(action: Action, model: ChatModel): boolean {
  if ('device' in action && action.kind !== 'network' && !isManned(model, action.device)) return false;
  switch (action.kind) {
    case 'offline':
      return model.isOnline[action.device] === true;
    case 'online':
      return model.isOnline[action.device] === false;
    case 'edit':
    case 'retract':
      return (model.messages[action.device] ?? 0) > 0;
    case 'react':
    case 'trespass':
      return model.messages.some((count) => count > 0);
    case 'again':
    case 'stop':
      return model.asked > 0;
    case 'share':
      return !model.isLent;
    case 'bin':
      return !model.isBinned;
    case 'restore':
      return model.isBinned;
    default:
      return true;
  }
}

function note(action: Action, model: ChatModel): void {
  switch (action.kind) {
    case 'offline':
    case 'online':
      model.isOnline[action.device] = action.kind === 'online';
      return;
    case 'lend':
      model.isLent = !model.isLent;
      model.isOnline[LAPTOP] = !model.isLent;
      model.isOnline[LENT] = model.isLent;
      return;
    case 'ask':
      model.asked++;
      return;
    case 'write':
      model.messages[action.device] = (model.messages[action.device] ?? 0) + action.count;
      return;
    case 'bin':
    case 'restore':
      model.isBinned = action.kind === 'bin';
      return;
    default:
  }
}

/** An action as fast-check's command. */
class Happening implements fc.AsyncCommand<ChatModel, ChatHistory> {
  readonly #action: Action;

  constructor(action: Action) {
    this.#action = action;
  }

  check(model: Readonly<ChatModel>): boolean {
    return isPossible(this.#action, model);
  }

  async run(model: ChatModel, chat: ChatHistory): Promise<void> {
    note(this.#action, model);
    await chat.act(this.#action);
  }

  toString(): string {
    return JSON.stringify(this.#action);
  }
}

/** A history that is known, as commands. */
export const happenings = (actions: readonly Action[]): Iterable<fc.AsyncCommand<ChatModel, ChatHistory>> =>
  actions.map((action) => new Happening(action));

const writer: fc.Arbitrary<number> = fc.constantFrom(LAPTOP, SECOND_TAB, PHONE, LENT);
const device = fc.nat(DEVICES - 1);
const pick = fc.nat(1_000);
const count = fc.integer({ min: 1, max: 6 });

const plain = <const Kind extends string>(kind: Kind): fc.Arbitrary<{ kind: Kind }> => fc.constant({ kind });
const onDevice = <const Kind extends string>(
  kind: Kind,
  where = writer,
): fc.Arbitrary<{ kind: Kind; device: number }> => fc.record({ kind: fc.constant(kind), device: where });
const picking = <const Kind extends string>(kind: Kind): fc.Arbitrary<{ kind: Kind; device: number; pick: number }> =>
  fc.record({ kind: fc.constant(kind), device: writer, pick });

/** How often each comes, and what it may be. */
const WEIGHTED: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Action> }[] = [
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('write' as const), device: writer, count }) },
  // Enough changes for a log that is compacted when its room closes.
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('write' as const), device: writer, count: fc.constant(90) }),
  },
  { weight: 2, arbitrary: picking('edit') },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('react' as const), device: writer, pick, isOn: fc.boolean() }),
  },
  { weight: 1, arbitrary: picking('retract') },
  { weight: 1, arbitrary: picking('trespass') },
  { weight: 1, arbitrary: onDevice('babble') },
  { weight: 3, arbitrary: onDevice('ask') },
  { weight: 1, arbitrary: picking('again') },
  { weight: 1, arbitrary: picking('stop') },
  { weight: 3, arbitrary: onDevice('offline', device) },
  { weight: 3, arbitrary: onDevice('online', device) },
  { weight: 2, arbitrary: onDevice('reload', device) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('share' as const), from: fc.constantFrom(0 as const, 1 as const) }),
  },
  { weight: 2, arbitrary: plain('lend') },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('kill' as const), afterTurns: fc.nat(40), isSlow: fc.boolean() }),
  },
  { weight: 2, arbitrary: onDevice('roll') },
  { weight: 2, arbitrary: plain('killWorker') },
  { weight: 1, arbitrary: plain('compact') },
  { weight: 1, arbitrary: plain('lockOut') },
  { weight: 2, arbitrary: plain('post') },
  { weight: 1, arbitrary: plain('rename') },
  { weight: 1, arbitrary: plain('bin') },
  { weight: 1, arbitrary: plain('restore') },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('network' as const), device, isFaulty: fc.boolean() }),
  },
  // Back by up to ten minutes, or forward past what keeps an empty room in memory.
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('clock' as const), byMs: fc.integer({ min: -600_000, max: 90_000 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pause' as const), ms: fc.nat(200) }) },
];

/**
 * Histories. `replayPath` is what a failure prints beside its commands: with the run's seed and path it leads to the
 * same ones again.
 */
export const histories = (replayPath?: string): ReturnType<typeof fc.commands<ChatModel, ChatHistory, false>> =>
  fc.commands<ChatModel, ChatHistory, false>([fc.oneof(...WEIGHTED).map((action) => new Happening(action))], {
    maxCommands: 40,
    size: 'max',
    ...(replayPath !== undefined && { replayPath }),
  });
