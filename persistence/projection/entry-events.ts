import type { Entry, ReplyEntry } from '../../sync-server/protocol/entry.ts';
import type { EventDraft } from '../../sync-server/protocol/events.ts';
import { agentOf } from '../../sync-server/protocol/organisation.ts';
import { chatTypeOf } from '../../sync-server/protocol/scope.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import type { MessageEventDraft } from './event-log.ts';
import type { SessionFacts } from './session-record.ts';

type EntryEvent = Omit<MessageEventDraft, 'at'>;

/** What is known once an entry's own rows are written. */
export interface ProjectedEntry {
  readonly entry: Entry;
  /** The session with the entry in it, and as it was before. */
  readonly session: SessionFacts;
  readonly before: SessionFacts;
  /** The text that the entry shows now; null where it shows none, or was retracted before it came. */
  readonly text: string | null;
  readonly authorName: string;
  /** Whether a debate of the session has no synthesis yet. */
  readonly isDebateRunning: boolean;
}

/** The events that an entry is the cause of, in order. Pure. */
export function eventsOf(projected: ProjectedEntry): readonly EntryEvent[] {
  const { entry, session, before } = projected;
  switch (entry.kind) {
    case 'message':
      return [chatMessage(projected), projected.isDebateRunning ? debateMessage(projected) : null].flatMap(orNone);
    case 'reply':
      return replyEvents(projected, entry);
    case 'debate':
      return debateStarted(session, entry.topic);
    case 'created':
      return [sessionEvent('session.created', session)];
    case 'title':
      return session.title === before.title ? [] : [sessionEvent('session.updated', session)];
    case 'binned':
    case 'restored':
      if (session.isBinned === before.isBinned) return [];
      return [sessionEvent(session.isBinned ? 'session.deleted' : 'session.updated', session)];
    case 'edit':
    case 'retract':
    case 'react':
    case 'again':
    case 'stop':
    case 'synthesize':
    case 'notice':
    case 'sealed':
    case 'arrived':
      return [];
    default:
      return unreachable(entry);
  }
}

function replyEvents(projected: ProjectedEntry, reply: ReplyEntry): readonly EntryEvent[] {
  if (reply.outcome === 'failed') return [];
  switch (reply.step) {
    case 'answer':
    case 'note':
      return [chatMessage(projected)].flatMap(orNone);
    case 'position':
    case 'dissent':
      return [chatMessage(projected), debateMessage(projected)].flatMap(orNone);
    case 'synthesis':
      return [chatMessage(projected), debateSynthesized(projected)].flatMap(orNone);
    default:
      return unreachable(reply.step);
  }
}

const orNone = (event: EntryEvent | null): readonly EntryEvent[] => (event ? [event] : []);

/** Who speaks: agents sign replies, people everything else that is a chat message. */
const senderOf = (entry: Entry): 'user' | 'assistant' => (entry.kind === 'reply' ? 'assistant' : 'user');

/** Null where nothing was said: an answer stopped before its first word, for one. */
function chatMessage({ entry, session, text }: ProjectedEntry): EntryEvent | null {
  if (!text) return null;
  const mentions = entry.kind === 'message' ? entry.mentions.filter((mention) => mention.type === 'person') : [];
  const draft: EventDraft = {
    type: 'chat.message',
    entityType: 'chat',
    entityId: session.id,
    sessionId: session.id,
    payload: {
      session_id: session.id,
      message_id: entry.id,
      sender: senderOf(entry),
      author_id: entry.author,
      content: text,
      scope_type: session.scope.type,
      scope_id: session.scope.id,
      type: chatTypeOf(session.scope),
      mentions: mentions.map((mention) => mention.id),
    },
  };
  return { draft, messageId: entry.id };
}

function debateStarted(session: SessionFacts, topic: string): readonly EntryEvent[] {
  const councilId = councilIdOf(session);
  if (councilId === null) return [];
  const draft: EventDraft = {
    type: 'council.debate.started',
    entityType: 'council',
    entityId: councilId,
    sessionId: session.id,
    payload: { council_id: councilId, session_id: session.id, topic },
  };
  return [{ draft, messageId: null }];
}

function debateMessage({ entry, session, text, authorName }: ProjectedEntry): EntryEvent | null {
  const councilId = councilIdOf(session);
  if (!text || councilId === null) return null;
  const draft: EventDraft = {
    type: 'council.debate.message',
    entityType: 'council',
    entityId: councilId,
    sessionId: session.id,
    payload: {
      council_id: councilId,
      session_id: session.id,
      expert_id: agentOf(entry.author)?.role ?? entry.author,
      expert_name: authorName,
      sender: senderOf(entry),
      content: text,
    },
  };
  return { draft, messageId: entry.id };
}

function debateSynthesized({ entry, session, text }: ProjectedEntry): EntryEvent | null {
  const councilId = councilIdOf(session);
  if (!text || councilId === null) return null;
  const draft: EventDraft = {
    type: 'council.debate.synthesized',
    entityType: 'council',
    entityId: councilId,
    sessionId: session.id,
    payload: { council_id: councilId, session_id: session.id, synthesis: text },
  };
  return { draft, messageId: entry.id };
}

const councilIdOf = (session: SessionFacts): string | null =>
  session.scope.type === 'council' ? session.scope.id : null;

function sessionEvent(
  type: 'session.created' | 'session.updated' | 'session.deleted',
  session: SessionFacts,
): EntryEvent {
  const draft: EventDraft = {
    type,
    entityType: 'session',
    entityId: session.id,
    sessionId: session.id,
    payload: {
      session_id: session.id,
      title: session.title,
      scope_type: session.scope.type,
      scope_id: session.scope.id,
    },
  };
  return { draft, messageId: null };
}
