/** The world in which histories happen: an office and a worker that can die, and two people. */
import fc from 'fast-check';
import { addMember, signIn } from '../support/office-people.ts';
import { type Cast, ChatHistory } from './chat-history.ts';
import { type ChatModel, histories, newModel } from './commands.ts';
import { MortalOffice } from './mortal-office.ts';
import { MortalWorker } from './mortal-worker.ts';

type Commands = Iterable<fc.AsyncCommand<ChatModel, ChatHistory>>;

/** Chats of one office: more of them only make each death and each look at everything longer. */
const CHATS_PER_OFFICE = 25;
/** As `addMember` chooses it. */
const BOB = 'bob';

class World {
  readonly #seed: number;
  #cast: Cast | null = null;
  #chats = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  async #people(): Promise<Cast> {
    if (this.#cast && this.#chats % CHATS_PER_OFFICE !== 0) return this.#cast;
    await this.end();
    const office = await MortalOffice.open();
    const owner = await signIn(() => office.url);
    const bob = { ...(await addMember(owner.caller, BOB)), password: `${BOB} knows this` };
    const worker = await MortalWorker.open({ url: office.url, tokenFile: office.tokenFile });
    this.#cast = { office, worker, owner, bob };
    return this.#cast;
  }

  /** Lets a history happen in a chat of its own; answers all that was wrong afterwards. */
  async happen(commands: Commands): Promise<string[]> {
    const cast = await this.#people();
    let isWell = false;
    try {
      const chat = await ChatHistory.open(cast, this.#seed + this.#chats++);
      try {
        await fc.asyncModelRun(() => ({ model: newModel(), real: chat }), commands);
        const wrong = await chat.settle();
        isWell = wrong.length === 0;
        return wrong;
      } finally {
        chat.leave();
      }
    } finally {
      // What is tried after something went wrong begins in an office that nothing happened in.
      if (!isWell) await this.end();
    }
  }

  async end(): Promise<void> {
    const cast = this.#cast;
    this.#cast = null;
    await cast?.worker.end();
    await cast?.office.end();
  }
}

export interface HistoriesPlan {
  readonly seed: number;
  readonly runs: number;
  /** Of a failure that is to be seen again: what it printed. */
  readonly path?: string;
  readonly replayPath?: string;
  /** No further history begins after this, in ms. */
  readonly boundMs: number;
}

/**
 * Plays so many histories. Rejects with the shortest one found in which something was wrong, with its seed, its path and
 * its `replayPath`.
 */
export async function playHistories({ seed, runs, path, replayPath, boundMs }: HistoriesPlan): Promise<void> {
  const world = new World(seed);
  try {
    await fc.assert(
      fc.asyncProperty(histories(replayPath), async (commands) => {
        const wrong = await world.happen(commands);
        if (wrong.length > 0) throw new Error(wrong.join('\n'));
      }),
      {
        seed,
        numRuns: runs,
        interruptAfterTimeLimit: boundMs,
        ...(path !== undefined && { path, endOnFailure: false }),
      },
    );
  } finally {
    await world.end();
  }
}

/** Plays one known history; answers what was wrong afterwards. */
export async function playHistory(commands: Commands, seed: number): Promise<string[]> {
  const world = new World(seed);
  try {
    return await world.happen(commands);
  } finally {
    await world.end();
  }
}
