import type { WireMessage, WireSession } from '../../sync-server/protocol/wire.ts';

/** A session as a file. */
export interface SessionExport {
  readonly fileName: string;
  readonly contentType: string;
  readonly body: string;
}

/** `{session, messages}`, in the shapes of the HTTP API. */
export function sessionAsJson(session: WireSession, messages: readonly WireMessage[]): SessionExport {
  return {
    fileName: `${session.session_id}.json`,
    contentType: 'application/json; charset=utf-8',
    body: `${JSON.stringify({ session, messages }, null, 2)}\n`,
  };
}

/** One heading a message; the messages' own Markdown stays as it was written. */
export function sessionAsMarkdown(session: WireSession, messages: readonly WireMessage[]): SessionExport {
  const parts = [`# ${oneLine(session.title)}`, ...messages.map(messageAsMarkdown)];
  return {
    fileName: `${session.session_id}.md`,
    contentType: 'text/markdown; charset=utf-8',
    body: `${parts.join('\n\n')}\n`,
  };
}

function messageAsMarkdown(message: WireMessage): string {
  const notes = [
    message.created_at,
    message.step !== undefined && message.step !== 'answer' && message.step,
    message.is_rehearsed && 'rehearsed, not AI',
    message.edited_at && 'edited',
    message.outcome === 'stopped' && 'stopped',
    message.outcome === 'failed' && 'failed',
  ].filter((note) => typeof note === 'string');
  const heading = `## ${oneLine(message.author_name)} (${notes.join(', ')})`;
  const body = message.deleted ? '*Taken back.*' : message.content;
  return body === '' ? heading : `${heading}\n\n${body}`;
}

const oneLine = (text: string): string => text.replace(/\s+/gu, ' ');
