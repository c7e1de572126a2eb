import type { SessionRecord } from '../../persistence/projection/session-record.ts';
import type { TurnRecord } from '../../persistence/turns/turn-record.ts';
import type { Entry, PersonEntry, ReplyEntry } from '../protocol/entry.ts';
import { fold, type ReplyItem, type TimelineItem } from '../protocol/fold.ts';
import { agentOf } from '../protocol/organisation.ts';
import { rowIdOf } from '../protocol/segment.ts';
import { unreachable } from '../protocol/unreachable.ts';
import { type ContextItem, type Lease, MAX_CONTEXT_ITEMS, MAX_WORKER_MESSAGE_BYTES } from '../protocol/worker-link.ts';

/** Newest entries of a session that are read to make a lease's context. */
export const MAX_CONTEXT_ENTRIES = 1_000;
/** Characters of what stands for a position, a dissent or a synthesis of an earlier debate. */
const ONE_LINE_CHARS = 400;
/** Characters of one piece of material: a dozen of them fit a message, however they are escaped. */
const MATERIAL_CHARS = 12_000;
/** What the message around the lease takes, and some air. Bytes. */
const ENVELOPE_BYTES = 1_024;
/** How often asking again can have been asked again. */
const MAX_AGAIN_DEPTH = 100;

export interface LeaseSources {
  readonly session: SessionRecord;
  /** The newest entries of the session, at most `MAX_CONTEXT_ENTRIES`. */
  readonly entries: readonly Entry[];
  readonly entry: (id: string) => Entry | null | undefined;
  /** All turns of a cause. */
  readonly group: (cause: string) => readonly TurnRecord[];
  /** A person's name by id. */
  readonly nameOf: (person: string) => string | null | undefined;
}

/** What of a lease doesn't follow from the session. */
export type LeaseTerms = Pick<Lease, 'attempt' | 'document' | 'clientId' | 'newestAt'>;

type Place = Pick<TimelineItem, 'at' | 'id'>;
type Question = Extract<PersonEntry, { kind: 'message' | 'debate' }>;

/** The job for one attempt of a turn; null where its cause is not there (any more). Stays under the link's bound. */
export function buildLease(turn: TurnRecord, terms: LeaseTerms, sources: LeaseSources): Lease | null {
  const cause = questionOf(turn.cause, sources);
  if (!cause) return null;
  const timeline = fold(new Map([...sources.entries, cause].map((entry) => [entry.id, entry])).values());
  const asked = timeline.items.find(({ id }) => id === cause.id);
  const said = conversation(timeline.items, cause, sources);
  const isWhole = sources.entries.length < MAX_CONTEXT_ENTRIES;
  const lease: Lease = {
    ...terms,
    turn: turn.turn,
    sessionId: turn.sessionId,
    sessionTitle: sources.session.title,
    scope: { type: sources.session.scope.type, id: sources.session.scope.id },
    rowId: rowIdOf(turn.turn, terms.attempt),
    agent: turn.agent,
    step: turn.step,
    cause: turn.cause,
    question: {
      authorName: sources.nameOf(cause.author) ?? cause.author,
      body: asked?.kind === 'message' ? asked.body : cause.kind === 'debate' ? cause.topic : '',
    },
    context: [],
    leftOut: isWhole ? 0 : Math.max(0, sources.session.messageCount - said.length),
    ...broughtEarlier(turn, cause, timeline.items, sources),
    debate:
      cause.kind === 'debate'
        ? { council: sources.session.scope.id ?? '', topic: cause.topic, preset: cause.preset }
        : null,
  };
  const context = newestThatFit(said, lease);
  return { ...lease, context, leftOut: lease.leftOut + said.length - context.length };
}

/** What a turn is about in the end: asking again asks what the first version was asked. */
function questionOf(causeId: string, sources: LeaseSources): Question | null {
  let id = causeId;
  for (let depth = 0; depth < MAX_AGAIN_DEPTH; depth++) {
    const entry = sources.entry(id);
    if (entry?.kind === 'message' || entry?.kind === 'debate') return entry;
    const target = entry?.kind === 'again' ? sources.entry(entry.target) : undefined;
    if (target?.kind !== 'reply') return null;
    id = target.cause;
  }
  return null;
}

/**
 * What was said up to the question, each answer right after what it answers, however late it came. What else was
 * answered to this very question is left out; in a debate, what people said since then is in.
 */
function conversation(items: readonly TimelineItem[], cause: Question, sources: LeaseSources): readonly ContextItem[] {
  const byId = new Map(items.map((item) => [item.id, item]));
  return items
    .flatMap((item) => {
      const anchor = item.kind === 'reply' ? (byId.get(item.cause) ?? item) : item;
      const isOwnAnswer = item.kind === 'reply' && item.cause === cause.id;
      if (isOwnAnswer || (cause.kind === 'message' && comparePlaces(anchor, cause) > 0)) return [];
      const line = contextItem(item, sources);
      return line ? [{ line, anchor, item }] : [];
    })
    .toSorted(
      (a, b) =>
        comparePlaces(a.anchor, b.anchor) ||
        Number(a.anchor !== a.item) - Number(b.anchor !== b.item) ||
        comparePlaces(a.item, b.item),
    )
    .map(({ line }) => line);
}

/** The order of a session, for whatever has a place in it. */
const comparePlaces = (a: Place, b: Place): number => a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function contextItem(item: TimelineItem, sources: LeaseSources): ContextItem | null {
  if (item.isRetracted) return null;
  const common = { id: item.id, authorId: item.author, at: item.at, isRehearsed: false };
  switch (item.kind) {
    case 'message':
    case 'debate': {
      const body = item.kind === 'message' ? item.body : `Council debate: ${item.topic}`;
      return { ...common, role: 'person', authorName: sources.nameOf(item.author) ?? item.author, body };
    }
    case 'notice':
      return { ...common, role: 'office', authorName: 'The office', body: item.body };
    case 'reply': {
      const body = spokenBody(item.reply);
      if (body === '') return null;
      const { id, author, isRehearsed = false } = item.reply;
      const authorName = agentOf(author)?.name ?? author;
      return { ...common, id, role: 'agent', authorId: author, authorName, body, isRehearsed };
    }
    default:
      return unreachable(item);
  }
}

/** What of a reply is conversation: an answer wholly, a debate's outcomes as one line, notes not at all. */
function spokenBody(reply: ReplyEntry): string {
  switch (reply.step) {
    case 'answer':
      return reply.body.trim();
    case 'note':
      return '';
    case 'position':
    case 'synthesis':
    case 'dissent': {
      const line = reply.body.replace(/\s+/g, ' ').trim().slice(0, ONE_LINE_CHARS);
      return line === '' ? '' : `(${reply.step}) ${line}`;
    }
    default:
      return unreachable(reply.step);
  }
}

/** The outcomes of the earlier stages, in their newest versions, and who brought nothing. */
function broughtEarlier(
  turn: TurnRecord,
  cause: Question,
  items: readonly TimelineItem[],
  sources: LeaseSources,
): Pick<Lease, 'material' | 'missing'> {
  const group = sources.group(cause.id);
  // Asked again, a turn gets what its first version got.
  const stage = group.find(({ agent, step }) => agent === turn.agent && step === turn.step)?.stage ?? turn.stage;
  const shown = new Map<string, ReplyItem>();
  for (const item of items) if (item.kind === 'reply') for (const version of item.versions) shown.set(version.id, item);
  const material: Lease['material'] = [];
  const missing: Lease['missing'] = [];
  for (const earlier of group.filter((other) => other.stage < stage)) {
    const item = shown.get(earlier.turn);
    const entry = item?.reply ?? sources.entry(earlier.turn);
    const reply = entry?.kind === 'reply' ? entry : null;
    if (reply && !item?.isRetracted && isUsable(reply))
      material.push({
        id: reply.id,
        agent: earlier.agent,
        step: earlier.step,
        body: reply.body.slice(0, MATERIAL_CHARS),
      });
    else missing.push({ agent: earlier.agent, reason: missingReason(reply) });
  }
  return { material, missing };
}

/** Half a note still helps; half a position does not count as one. */
const isUsable = (reply: ReplyEntry): boolean =>
  reply.body.trim() !== '' && (reply.outcome === 'done' || (reply.outcome === 'stopped' && reply.step === 'note'));

function missingReason(reply: ReplyEntry | null): string {
  if (reply?.outcome === 'failed') return reply.error?.message ?? 'failed';
  if (reply?.outcome === 'stopped') return 'stopped';
  return 'said nothing';
}

/** The newest items that the count and the size of one message allow, oldest first. */
function newestThatFit(said: readonly ContextItem[], lease: Lease): ContextItem[] {
  let freeBytes = MAX_WORKER_MESSAGE_BYTES - ENVELOPE_BYTES - Buffer.byteLength(JSON.stringify(lease));
  const newest: ContextItem[] = [];
  for (const item of said.slice(-MAX_CONTEXT_ITEMS).reverse()) {
    freeBytes -= Buffer.byteLength(JSON.stringify(item)) + 1;
    if (freeBytes < 0) break;
    newest.push(item);
  }
  return newest.reverse();
}
