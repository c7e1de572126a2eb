import type { Mention } from '../../sync-server/protocol/entry.ts';

export interface FirstWords {
  readonly text: string;
  readonly mentions: readonly Mention[];
}

/** Hands the words that begin a session from the page where they were written to the page that sends them. */
class Handover {
  readonly #left = new Map<string, FirstWords>();

  leave(sessionId: string, words: FirstWords): void {
    this.#left.set(sessionId, words);
  }

  /** The words, once; undefined where there are none or they were taken. */
  take(sessionId: string): FirstWords | undefined {
    const words = this.#left.get(sessionId);
    this.#left.delete(sessionId);
    return words;
  }
}

export const firstWords = new Handover();
