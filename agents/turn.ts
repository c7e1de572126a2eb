/**
 * One lease from its start to its end: the model is asked and the document joined in parallel; the answer is streamed
 * into the live row and ends as one entry, whose receipt is waited for.
 *
 *     asking --first word--> writing --done--> saving --receipt--> done
 *        \________________________\______________\____ abort ----> over: nothing more is written
 *         \___ model away ---> released            \__ refused --> failed
 */
import { type Measures, nextAt } from '../sync-server/protocol/entry.ts';
import { entriesOf, finishLiveRow, type LiveRowFields } from '../sync-server/protocol/segment.ts';
import { unreachable } from '../sync-server/protocol/unreachable.ts';
import type { Lease } from '../sync-server/protocol/worker-link.ts';
import { finishedReply, type Speaker } from './finished-reply.ts';
import { LiveWriter } from './live-writer.ts';
import type { ChatEvent, ChatPhase, ChatRequest } from './model/model-client.ts';
import { ModelError, type ModelErrorCode } from './model/model-error.ts';
import type { Peer } from './peer.ts';
import { type Prompt, promptFor } from './prompts/prompt-for.ts';

/** How long a finished reply may take to become durable while the server is there; away, the peer's own bound ends it. */
const MAX_SAVE_MS = 90_000;

/** How a turn ended here. `over`: the lease is not ours any more, and nobody waits to hear. */
export type TurnEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'over' }
  | { readonly kind: 'released'; readonly reason: string }
  | { readonly kind: 'failed'; readonly isFinal: boolean; readonly code: string; readonly message: string };

/** Streams an answer: as `ModelClient.chat`, whose contract it has. */
export type Chat = (
  request: ChatRequest,
  waiting: { readonly signal: AbortSignal; readonly onPhase: (phase: ChatPhase) => void },
) => AsyncIterable<ChatEvent>;

export interface TurnWork {
  readonly lease: Lease;
  readonly peer: Peer;
  readonly chat: Chat;
  readonly speaker: Speaker;
  /** Told when the model begins to read the prompt, and when its first word comes. */
  readonly onPhase: (phase: 'reading' | 'writing') => void;
  /** The lease is over. */
  readonly signal: AbortSignal;
}

/** Runs a lease to its end. The caller closes the peer afterwards. Never rejects. */
export async function runTurn(work: TurnWork): Promise<TurnEnd> {
  const { lease, peer, speaker } = work;
  const stop = AbortSignal.any([work.signal, peer.ended]);
  const writer = new LiveWriter(peer.doc, () => rowFields(work));
  try {
    const setting = { ...speaker, isRehearsal: speaker.isRehearsed };
    const prompt = promptFor(lease, setting);
    const measured = await stream(work, prompt, writer, stop);
    if (stop.aborted) return endOf(work);
    if (writer.text === '' || writer.text === headerText(prompt)) return EMPTY_ANSWER;
    writer.stop();
    // The office ended the turn meanwhile: setting the key again would change history.
    if (entriesOf(peer.doc).has(lease.turn)) return { kind: 'over' };
    const at = nextAt(peer.officeNow(), Math.max(lease.newestAt, peer.newestAt()));
    const texts = { body: writer.text, thinking: writer.thinking, ...measured };
    finishLiveRow(peer.doc, lease.rowId, finishedReply(lease, at, prompt, speaker, texts));
    if (await peer.saved(MAX_SAVE_MS, work.signal)) return { kind: 'done' };
    return stop.aborted ? endOf(work) : NOT_SAVED;
  } catch (error) {
    if (stop.aborted) return endOf(work);
    return error instanceof ModelError ? endOfModelError(error) : endOfFault(error);
  } finally {
    writer.stop();
  }
}

const EMPTY_ANSWER: TurnEnd = {
  kind: 'failed',
  isFinal: false,
  code: 'empty-answer',
  message: 'The model answered without a word.',
};
const NOT_SAVED: TurnEnd = {
  kind: 'failed',
  isFinal: false,
  code: 'not-saved',
  message: 'The office did not confirm the answer in time.',
};

const headerText = (prompt: Prompt): string => (prompt.header === '' ? '' : `${prompt.header}\n\n`);

/** Lets the answer flow into the row; ends at the model's end, at the bound of a body, or when `stop` aborts. */
async function stream(
  work: TurnWork,
  prompt: Prompt,
  writer: LiveWriter,
  stop: AbortSignal,
): Promise<{ isCut: boolean; measures: Measures | null }> {
  let isWriting = false;
  const onPhase = (phase: ChatPhase) => {
    if (phase === 'reading' && !stop.aborted) work.onPhase('reading');
  };
  const request: ChatRequest = {
    model: work.speaker.model,
    messages: prompt.messages,
    options: { num_predict: prompt.maxAnswerTokens },
  };
  for await (const event of work.chat(request, { signal: stop, onPhase })) {
    if (stop.aborted) break;
    if (event.kind === 'done') return { isCut: event.reason === 'length', measures: { ...event.metrics } };
    if (!isWriting) {
      isWriting = true;
      work.onPhase('writing');
    }
    const isFirstText = event.kind === 'text' && writer.text === '';
    if (event.kind === 'thinking') writer.addThinking(event.text);
    else if (!writer.addText(isFirstText ? headerText(prompt) + event.text : event.text)) {
      return { isCut: true, measures: null };
    }
  }
  if (stop.aborted) return { isCut: false, measures: null };
  throw new ModelError('interrupted', 'The answer ended before its end.');
}

function rowFields({ lease, peer, speaker }: TurnWork): LiveRowFields {
  return {
    turn: lease.turn,
    attempt: lease.attempt,
    agent: lease.agent,
    cause: lease.cause,
    step: lease.step,
    at: nextAt(peer.officeNow(), Math.max(lease.newestAt, peer.newestAt())),
    model: speaker.model,
    isRehearsed: speaker.isRehearsed,
  };
}

/** The end of a turn whose lease or document went. */
function endOf({ peer, signal }: TurnWork): TurnEnd {
  if (signal.aborted || peer.end === null) return { kind: 'over' };
  switch (peer.end.kind) {
    case 'over':
      return { kind: 'over' };
    case 'away':
      return { kind: 'failed', isFinal: false, code: 'server-away', message: 'The office was away for too long.' };
    case 'refused':
      return { kind: 'failed', isFinal: false, code: 'refused', message: peer.end.reason };
    default:
      return unreachable(peer.end);
  }
}

function endOfModelError(error: ModelError): TurnEnd {
  const { code, message } = error;
  const end = MODEL_ERROR_ENDS[code];
  switch (end) {
    case 'release':
      return { kind: 'released', reason: message };
    case 'retry':
      return { kind: 'failed', isFinal: false, code, message };
    case 'final':
      return { kind: 'failed', isFinal: true, code, message };
    default:
      return unreachable(end);
  }
}

/** What an error of the model means for the turn: it waits, may be tried again, or can't be done. */
const MODEL_ERROR_ENDS: Readonly<Record<ModelErrorCode, 'release' | 'retry' | 'final'>> = {
  unreachable: 'release',
  'model-missing': 'release',
  busy: 'release',
  'runner-crashed': 'retry',
  interrupted: 'retry',
  timeout: 'retry',
  // Only our own signal aborts a request, and that is asked before this table.
  aborted: 'retry',
  unsupported: 'final',
  'bad-request': 'final',
};

function endOfFault(error: unknown): TurnEnd {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'failed', isFinal: true, code: 'fault', message: `The agent's program has a fault: ${message}` };
}
