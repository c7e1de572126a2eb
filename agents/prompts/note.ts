import type { Agent } from '../../sync-server/protocol/organisation.ts';
import type { Lease } from '../../sync-server/protocol/worker-link.ts';
import { blockMessages } from './blocks.ts';
import { personaOf, viewOf } from './personas.ts';

/** The prompt of a short note that a colleague writes for the department's Synthesizer. */
export function noteMessages(
  lease: Lease,
  agent: Agent,
  question: string,
  record: string,
): { system: string; user: string } {
  return blockMessages({
    seat: personaOf(agent),
    frame: `The department was asked by ${lease.question.authorName} in "${lease.sessionTitle}".\nQuestion: ${question}`,
    record,
    task: `Write a note for your Knowledge Synthesizer, who will answer for the department. Look only from your part: ${viewOf(agent)}. Leave the rest to your colleagues.`,
    form: 'At most 90 words, two to four bullet points, in the language of the question. The strongest point first. Mark what you assume as an assumption. No greeting, no summary.',
  });
}
