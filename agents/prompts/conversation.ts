import type { ContextItem, Lease } from '../../sync-server/protocol/worker-link.ts';
import type { ChatMessage } from '../model/model-client.ts';
import { clipToTokens, estimateMessageTokens } from './token-estimate.ts';

/** A single line of the conversation takes at most this share of what there is for all of it. */
const MAX_ITEM_SHARE = 0.5;

/** The part of a conversation that an agent is given, oldest first. */
export interface Excerpt {
  readonly messages: readonly ChatMessage[];
  /** Ids of the entries that are in it, in order. */
  readonly entries: readonly string[];
  /** Items of the lease that are not: they did not fit, or were only rehearsed. */
  readonly leftOut: number;
}

/** Which lines of a lease are conversation, besides the question that the agent answers now. */
export function earlierItems(lease: Lease): readonly ContextItem[] {
  const asked = askedItem(lease);
  return lease.context.filter((item) => item !== asked);
}

/** The line of the conversation that asks, where it is among them: asking again is an entry that is no line. */
export function askedItem(lease: Lease): ContextItem | undefined {
  return (
    lease.context.find((item) => item.id === lease.cause) ??
    lease.context.findLast((item) => item.role === 'person' && item.body === lease.question.body)
  );
}

/**
 * The newest items that fit, in their order, each with its author's name; the agent's own words are the model's own.
 * Rehearsed lines go only to the rehearsal model: a real one would take them for thought.
 */
export function excerptOf(
  items: readonly ContextItem[],
  options: { readonly agent: string; readonly maxTokens: number; readonly isRehearsal: boolean },
): Excerpt {
  const usable = items.filter((item) => item.body.trim() !== '' && (options.isRehearsal || !item.isRehearsed));
  const messages: ChatMessage[] = [];
  const entries: string[] = [];
  let left = options.maxTokens;
  for (const item of usable.toReversed()) {
    const message = messageOf(item, options.agent, Math.floor(options.maxTokens * MAX_ITEM_SHARE));
    left -= estimateMessageTokens(message.content);
    if (left < 0) break;
    messages.unshift(message);
    entries.unshift(item.id);
  }
  return { messages, entries, leftOut: items.length - entries.length };
}

function messageOf(item: ContextItem, agent: string, maxTokens: number): ChatMessage {
  const body = clipToTokens(item.body, maxTokens);
  if (item.role === 'agent' && item.authorId === agent) return { role: 'assistant', content: body };
  return { role: 'user', content: `${item.authorName}: ${body}` };
}
