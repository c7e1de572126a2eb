import { briefName, segmentName } from '../../sync-server/protocol/document-name.ts';
import { isUlid } from '../../sync-server/protocol/ids.ts';
import { categoryOf, type Scope } from '../../sync-server/protocol/scope.ts';
import type { WireSession } from '../../sync-server/protocol/wire.ts';

const TITLE_CHARS = 64;

/** The first words as a title; never empty. */
export function titleOf(words: string): string {
  const line =
    words
      .replace(/[#*_`>[\]]/g, '')
      .split('\n')
      .map((part) => part.trim())
      .find((part) => part !== '') ?? '';
  if (line === '') return 'New conversation';
  return line.length > TITLE_CHARS ? `${line.slice(0, TITLE_CHARS - 1).trimEnd()}…` : line;
}

/** Newest activity first. */
export function byActivity(a: WireSession, b: WireSession): number {
  return a.updated_at < b.updated_at ? 1 : a.updated_at > b.updated_at ? -1 : a.session_id < b.session_id ? 1 : -1;
}

/** A session as this device shows it until the office answers with its own row. */
export function provisional(id: string, scope: Scope, title: string, owner: string, nowMs: number): WireSession {
  if (!isUlid(id)) throw new RangeError('a session id is a ULID');
  const now = new Date(nowMs).toISOString();
  return {
    session_id: id,
    title,
    scope_type: scope.type,
    scope_id: scope.id,
    category: categoryOf(scope),
    owner_id: owner,
    is_private: false,
    created_at: now,
    updated_at: now,
    message_count: 0,
    last_message: null,
    late_at: null,
    is_active: true,
    documents: { live: segmentName(id, 1), brief: briefName(id) },
  };
}
