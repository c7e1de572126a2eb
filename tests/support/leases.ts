import { segmentName } from '../../sync-server/protocol/document-name.ts';
import { makeUlid } from '../../sync-server/protocol/ids.ts';
import { rowIdOf } from '../../sync-server/protocol/segment.ts';
import { turnIdOf } from '../../sync-server/protocol/turn.ts';
import type { ContextItem, Lease } from '../../sync-server/protocol/worker-link.ts';

let made = 0;

/** A ULID that no other call of this process gave. */
export function freshUlid(atMs = 1_700_000_000_000): ReturnType<typeof makeUlid> {
  made += 1;
  return makeUlid(atMs, new Uint8Array([0, 0, 0, 0, 0, 0, 0, made >> 16, (made >> 8) & 255, made & 255]));
}

/** A lease of its own turn in a session of its own, with what is given laid over it. */
export function makeLease(over: Partial<Lease> = {}): Lease {
  const session = freshUlid();
  const cause = over.cause ?? freshUlid();
  const agent = over.agent ?? 'daena';
  const step = over.step ?? 'answer';
  const attempt = over.attempt ?? 1;
  const turn = over.turn ?? turnIdOf(session, cause, agent, step);
  const question = { authorName: 'Masoud', body: 'What should we do first?' };
  return {
    turn,
    attempt,
    sessionId: session,
    sessionTitle: 'Plans',
    scope: { type: 'executive', id: 'daena' },
    document: segmentName(session, 1),
    clientId: 1_000 + made,
    rowId: rowIdOf(turn, attempt),
    agent,
    step,
    cause,
    question,
    context: [line({ id: cause, authorName: question.authorName, body: question.body })],
    leftOut: 0,
    material: [],
    missing: [],
    debate: null,
    newestAt: 1_700_000_000_000,
    ...over,
  };
}

/** One line of a conversation. */
export const line = (over: Partial<ContextItem> = {}): ContextItem => ({
  id: freshUlid(),
  role: 'person',
  authorId: 'p1',
  authorName: 'Masoud',
  body: 'Hello.',
  at: 1_700_000_000_000,
  isRehearsed: false,
  ...over,
});
