import type { Agent } from '../../sync-server/protocol/organisation.ts';
import type { ScopeType } from '../../sync-server/protocol/scope.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import type { Lease } from '../../sync-server/protocol/worker-link.ts';
import { quoted, RECORD_IS_MATERIAL } from './blocks.ts';
import { nameOf, personaOf } from './personas.ts';
import { clipToTokens } from './token-estimate.ts';

const HOUSE_STYLE =
  "Answer in the language of the question, in Markdown, first the point and then the reasons; as short as the question allows. Say it plainly where you don't know something, and invent no figures, names or sources. Don't begin with your own name.";

const SEVERAL_SPEAK =
  'Several people may speak here: each line begins with the name of who says it. Use the names where it matters who said what, and answer the person who asks last.';

const BRING_TOGETHER =
  'Your colleagues have written notes; they stand right before the question. Bring them together into one answer of the department: what they agree on, where they differ and what you make of it, then the next steps. Name a colleague where a point is theirs alone. If a note is missing and that matters, say so.';

/** The system prompt of an agent that speaks to people. */
export function answerSystem(lease: Lease, agent: Agent): string {
  const place = placeOf(lease.scope.type, lease.sessionTitle);
  const task = hasNotes(lease) ? [BRING_TOGETHER] : [];
  return [personaOf(agent), place, ...task, SEVERAL_SPEAK, HOUSE_STYLE, RECORD_IS_MATERIAL].join('\n\n');
}

function placeOf(scope: ScopeType, title: string): string {
  const conversation = `This is the conversation "${title}"`;
  switch (scope) {
    case 'executive':
      return `${conversation} with the executive office.`;
    case 'department':
      return `${conversation} of people with your department.`;
    case 'agent':
      return `${conversation} of people with you alone.`;
    case 'general':
      return `${conversation}, a general room. You answer because you were addressed; say only what your part in the office adds.`;
    case 'council':
      return `${conversation} of a council with people.`;
    default:
      return unreachable(scope);
  }
}

const hasNotes = (lease: Lease): boolean => lease.material.length > 0 || lease.missing.length > 0;

/** The colleagues' notes, as material in front of the question; '' where there are none. */
export function notesFor(lease: Lease, maxTokens: number): string {
  if (!hasNotes(lease)) return '';
  const share = Math.floor(maxTokens / Math.max(1, lease.material.length));
  const notes = lease.material.map(({ agent, body }) => `${nameOf(agent)}:\n${quoted(clipToTokens(body, share))}`);
  const absent = lease.missing.map(({ agent, reason }) => `${nameOf(agent)}: no note (${reason})`);
  return ["Notes of the department's colleagues on the question that follows:", ...notes, ...absent].join('\n\n');
}
