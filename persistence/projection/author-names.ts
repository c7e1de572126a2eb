import { OFFICE_AUTHOR } from '../../sync-server/protocol/entry.ts';
import { agentOf } from '../../sync-server/protocol/organisation.ts';

/** A person's name by id; null where nobody has that id (any more). */
export type People = (id: string) => string | null;

/** The name shown for an entry's author: an agent's, a person's, or the office's own. */
export function authorName(author: string, people: People): string {
  if (author === OFFICE_AUTHOR) return 'The office';
  return agentOf(author)?.name ?? people(author) ?? 'Someone who left';
}
