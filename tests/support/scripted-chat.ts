import type { ChatEvent } from '../../agents/model/model-client.ts';
import { ModelError } from '../../agents/model/model-error.ts';
import type { Chat } from '../../agents/turn.ts';

const metrics = { promptTokens: 10, outputTokens: 2, loadMs: 0, promptMs: 1, outputMs: 2, totalMs: 3 };
export const DONE: ChatEvent = { kind: 'done', reason: 'stop', metrics };
/** The end of an answer that reached the model's limit. */
export const CUT: ChatEvent = { kind: 'done', reason: 'length', metrics };

export const text = (words: string): ChatEvent => ({ kind: 'text', text: words });
export const thinking = (words: string): ChatEvent => ({ kind: 'thinking', text: words });

/** A model whose every word the test says, one at a time; stopping it ends it as the model client does. */
export class ScriptedChat {
  readonly #ready: (ChatEvent | Error)[] = [];
  #wake: () => void = () => {};
  isAborted = false;
  requests = 0;

  say(...events: (ChatEvent | Error)[]): void {
    this.#ready.push(...events);
    this.#wake();
  }

  readonly chat: Chat = async function* (this: ScriptedChat, ...[, { signal, onPhase }]: Parameters<Chat>) {
    this.requests += 1;
    signal.addEventListener('abort', () => this.#abort(), { once: true });
    onPhase('reading');
    for (;;) {
      if (signal.aborted) throw new ModelError('aborted', 'The request was stopped.');
      const next = this.#ready.shift();
      if (next instanceof Error) throw next;
      if (next) yield next;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
      if (next?.kind === 'done') return;
    }
  }.bind(this);

  #abort(): void {
    this.isAborted = true;
    this.#wake();
  }
}
