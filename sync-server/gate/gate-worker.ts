/**
 * The gate for a worker's update to a segment: only under the client id of its lease, only its own row and its own
 * reply, deleting only what that client id wrote.
 */
import * as Y from 'yjs';
import type { LeaseGrant } from '../leases.ts';
import { MAX_AHEAD_MS, MAX_ENTRY_BYTES, type ReplyEntry, replyEntrySchema } from '../protocol/entry.ts';
import { ENTRIES, LIVE } from '../protocol/segment.ts';
import { newStructsOf } from './new-structs.ts';
import { type DecodedUpdate, type DeletedRange, encodeStructs } from './update-structs.ts';
import type { Verdict } from './verdict.ts';

export interface WorkerGateContext {
  readonly nowMs: number;
  clockOf(client: number): number;
  isBound(client: number): boolean;
  hasEntry(id: string): boolean;
}

/** Judges an update under a lease that is in force. Structs and deletions of other client ids are passed over. */
export function gateWorker(lease: LeaseGrant, update: DecodedUpdate, context: WorkerGateContext): Verdict {
  const client = lease.clientId;
  const firstClock = context.clockOf(client);
  const fresh = newStructsOf(update.byClient.get(client) ?? [], firstClock);
  if (fresh.kind === 'gap') return { kind: 'gap' };
  if (fresh.kind === 'straddles') return { kind: 'forged', reason: 'structs that overlap each other' };
  const structs = fresh.kind === 'new' ? fresh.structs : [];
  const last = structs.at(-1);
  const endClock = last ? last.id.clock + last.length : firstClock;
  const replies: ReplyEntry[] = [];
  for (const struct of structs) {
    const reason = refuseStruct(struct, lease, replies, context);
    if (reason) return reason;
  }
  const deleted = ownDeletions(update.deleted, client, endClock);
  if (structs.length === 0 && deleted.length === 0) {
    return { kind: 'known', known: firstClock > 0 ? new Map([[client, firstClock]]) : new Map() };
  }
  const written = structs.map((struct, index) => ({
    struct,
    offset: index === 0 && fresh.kind === 'new' ? fresh.firstOffset : 0,
  }));
  return {
    kind: 'take',
    update: encodeStructs(written.length > 0 ? new Map([[client, written]]) : new Map(), deleted),
    saved: new Map([[client, endClock]]),
    bind: structs.length > 0 && !context.isBound(client) ? [client] : [],
    entries: replies,
    refusals: [],
  };
}

function refuseStruct(
  struct: Y.Item | Y.GC,
  lease: LeaseGrant,
  replies: ReplyEntry[],
  context: WorkerGateContext,
): Verdict | null {
  // Its own deleted row, as a later handshake tells of it.
  if (struct instanceof Y.GC) return null;
  const forged = (reason: string): Verdict => ({ kind: 'forged', reason });
  // reason: a decoded struct that is not integrated yet holds a name or an id where the type says AbstractType
  const parent = struct.parent as unknown;
  if (parent === ENTRIES) {
    const reply = readReply(struct, lease, context.nowMs);
    if (!reply) return forged('a reply that the lease does not cover');
    if (context.hasEntry(reply.id)) return { kind: 'over', reason: 'this turn has its reply already' };
    replies.push(reply);
    return null;
  }
  if (!isRowContent(struct.content)) return forged('content that no row holds');
  if (parent === LIVE) {
    const isOwnRow = struct.parentSub === lease.rowId && struct.origin === null && struct.rightOrigin === null;
    return isOwnRow ? null : forged("another row than the lease's");
  }
  if (typeof parent === 'string') return forged('a root that a segment does not have');
  const references = [struct.origin, struct.rightOrigin, parent instanceof Y.ID ? parent : null].filter(
    (id) => id !== null,
  );
  const { clock } = struct.id;
  const isOwn = references.length > 0 && references.every((id) => id.client === lease.clientId && id.clock < clock);
  return isOwn ? null : forged('a change to what another client id wrote');
}

const isRowContent = (content: Y.Item['content']): boolean =>
  content instanceof Y.ContentAny ||
  content instanceof Y.ContentString ||
  content instanceof Y.ContentDeleted ||
  content instanceof Y.ContentType;

function readReply(struct: Y.Item, lease: LeaseGrant, nowMs: number): ReplyEntry | null {
  const values = struct.content instanceof Y.ContentAny ? struct.content.arr : [];
  if (values.length !== 1 || struct.origin !== null || struct.rightOrigin !== null) return null;
  const parsed = replyEntrySchema.safeParse(values[0]);
  if (!parsed.success) return null;
  const reply = parsed.data;
  const fits =
    struct.parentSub === lease.turn &&
    reply.id === lease.turn &&
    reply.author === lease.agent &&
    reply.cause === lease.cause &&
    reply.step === lease.step &&
    reply.attempt === lease.attempt &&
    reply.outcome === 'done' &&
    reply.at <= nowMs + MAX_AHEAD_MS &&
    Buffer.byteLength(JSON.stringify(reply)) <= MAX_ENTRY_BYTES;
  return fits ? reply : null;
}

/** The deletions of one client id, cut at what exists: one beyond it would stay pending. */
function ownDeletions(deleted: readonly DeletedRange[], client: number, endClock: number): DeletedRange[] {
  return deleted.flatMap((range) => {
    if (range.client !== client || range.clock >= endClock) return [];
    return [{ ...range, length: Math.min(range.length, endClock - range.clock) }];
  });
}
