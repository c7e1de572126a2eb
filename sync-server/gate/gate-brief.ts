/**
 * The gate for a person's update to a brief: free editing, but only under their own client ids, nothing that dangles,
 * one root, and no documents within the document.
 */
import * as Y from 'yjs';
import { newStructsOf } from './new-structs.ts';
import { type DecodedUpdate, encodeStructs, type WrittenStruct } from './update-structs.ts';
import type { Verdict } from './verdict.ts';

/** The root that Lexical's Yjs binding edits. */
const BRIEF_ROOT = 'root';
/** Bytes that a brief's log may grow to between compactions. */
export const MAX_BRIEF_BYTES = 4 * 1024 * 1024;

export interface BriefGateContext {
  readonly sizeBytes: number;
  clockOf(client: number): number;
  isOwn(client: number): boolean;
  isBound(client: number): boolean;
}

export function gateBrief(update: DecodedUpdate, context: BriefGateContext): Verdict {
  const structs = new Map<number, WrittenStruct[]>();
  const known = new Map<number, number>();
  const ends = new Map<number, number>();
  for (const [client, list] of update.byClient) {
    if (!context.isOwn(client)) continue;
    const firstClock = context.clockOf(client);
    const fresh = newStructsOf(list, firstClock);
    if (fresh.kind === 'gap') return { kind: 'gap' };
    if (fresh.kind === 'straddles') return { kind: 'forged', reason: 'structs that overlap each other' };
    if (fresh.kind === 'none') {
      if (firstClock > 0) known.set(client, firstClock);
      continue;
    }
    structs.set(
      client,
      fresh.structs.map((struct, index) => ({ struct, offset: index === 0 ? fresh.firstOffset : 0 })),
    );
    const last = fresh.structs.at(-1);
    if (last) ends.set(client, last.id.clock + last.length);
  }
  for (const { struct } of [...structs.values()].flat()) {
    const reason = refuseForm(struct);
    if (reason) return { kind: 'forged', reason };
  }
  if (!canIntegrate(structs, context)) return { kind: 'gap' };
  const deleted = update.deleted.flatMap((range) => {
    const end = ends.get(range.client) ?? context.clockOf(range.client);
    return range.clock < end ? [{ ...range, length: Math.min(range.length, end - range.clock) }] : [];
  });
  if (structs.size === 0 && deleted.length === 0) return { kind: 'known', known };
  const bytes = encodeStructs(structs, deleted);
  if (context.sizeBytes + bytes.byteLength > MAX_BRIEF_BYTES) return { kind: 'forged', reason: 'the brief is full' };
  return {
    kind: 'take',
    update: bytes,
    saved: new Map([...known, ...ends]),
    bind: [...structs.keys()].filter((client) => !context.isBound(client)),
    entries: [],
    refusals: [],
  };
}

function refuseForm(struct: Y.Item | Y.GC): string | null {
  if (!(struct instanceof Y.Item)) return null;
  if (struct.content instanceof Y.ContentDoc) return 'a document within a document';
  // reason: a decoded struct that is not integrated yet holds a name or an id where the type says AbstractType
  const parent = struct.parent as unknown;
  return typeof parent === 'string' && parent !== BRIEF_ROOT ? `no such root: ${parent}` : null;
}

/** Whether there is an order in which each struct comes after all that it refers to. Anything else would stay pending. */
function canIntegrate(byClient: ReadonlyMap<number, readonly WrittenStruct[]>, context: BriefGateContext): boolean {
  const ends = new Map([...byClient.keys()].map((client) => [client, context.clockOf(client)]));
  const exists = (id: Y.ID): boolean => id.clock < (ends.get(id.client) ?? context.clockOf(id.client));
  const left = new Map([...byClient].map(([client, structs]) => [client, [...structs].reverse()]));
  for (let isMoving = true; isMoving; ) {
    isMoving = false;
    for (const [client, structs] of left) {
      for (let next = structs.at(-1); next && referencesOf(next.struct).every(exists); next = structs.at(-1)) {
        ends.set(client, next.struct.id.clock + next.struct.length);
        structs.pop();
        isMoving = true;
      }
      if (structs.length === 0) left.delete(client);
    }
  }
  return left.size === 0;
}

function referencesOf(struct: Y.Item | Y.GC): Y.ID[] {
  if (!(struct instanceof Y.Item)) return [];
  // reason: a decoded struct that is not integrated yet holds a name or an id where the type says AbstractType
  const parent = struct.parent as unknown;
  return [struct.origin, struct.rightOrigin, parent instanceof Y.ID ? parent : null].filter((id) => id !== null);
}
