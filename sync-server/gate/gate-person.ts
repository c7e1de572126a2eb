/**
 * The gate for a person's update to a segment: only whole entries under their own id and name, each set once.
 *
 * Overwriting, deleting and writing elsewhere all need forms that an entry never has (an origin, another parent, another
 * content), so those forms are refused outright. What is well formed but not allowed is neutralised: its clock stays, its
 * content does not, and whatever the same device wrote after it still enters.
 */
import * as Y from 'yjs';
import type { Entry } from '../protocol/entry.ts';
import { isEntryId } from '../protocol/ids.ts';
import type { Person } from '../protocol/principal.ts';
import { ENTRIES } from '../protocol/segment.ts';
import { type EntryContext, judgeEntry } from './judge-entry.ts';
import { newStructsOf } from './new-structs.ts';
import { type DecodedUpdate, encodeStructs, neutralStruct, type WrittenStruct } from './update-structs.ts';
import type { Refusal, Verdict } from './verdict.ts';

export interface PersonGateContext extends Omit<EntryContext, 'fits'> {
  /** The room's next clock of a client id; 0 for one never seen. */
  clockOf(client: number): number;
  /** Whether this client id is, or may become, this person's. */
  isOwn(client: number): boolean;
  isBound(client: number): boolean;
  /** Whether so many entries, of so many bytes as JSON in all, may enter this segment. */
  fitsAll(count: number, sizeBytes: number): boolean;
}

/** Judges an update; the person's deletions are dropped, since an honest handshake repeats the whole document's. */
export function gatePerson(person: Person, update: DecodedUpdate, context: PersonGateContext): Verdict {
  const judged = new Judged(person, context);
  for (const [client, structs] of update.byClient) {
    if (!context.isOwn(client)) continue;
    const firstClock = context.clockOf(client);
    const fresh = newStructsOf(structs, firstClock);
    if (fresh.kind === 'gap') return { kind: 'gap' };
    if (fresh.kind === 'straddles' || (fresh.kind === 'new' && fresh.firstOffset > 0)) {
      return { kind: 'forged', reason: 'a change that straddles what is known' };
    }
    if (fresh.kind === 'none') {
      if (firstClock > 0) judged.known.set(client, firstClock);
      continue;
    }
    for (const struct of fresh.structs) {
      const reason = judged.add(client, struct);
      if (reason) return { kind: 'forged', reason };
    }
  }
  return judged.verdict();
}

class Judged {
  readonly known = new Map<number, number>();
  readonly #person: Person;
  readonly #context: PersonGateContext;
  readonly #structs = new Map<number, WrittenStruct[]>();
  readonly #entries = new Map<string, Entry>();
  #sizeBytes = 0;
  readonly #refusals: Refusal[] = [];

  constructor(person: Person, context: PersonGateContext) {
    this.#person = person;
    this.#context = context;
  }

  /** Takes or neutralises a struct. Answers a reason where no honest peer writes it. */
  add(client: number, struct: Y.Item | Y.GC): string | null {
    const written = this.#structs.get(client) ?? [];
    this.#structs.set(client, written);
    if (!(struct instanceof Y.Item)) return 'a deletion in place of an entry';
    const [value, ...rest] = struct.content instanceof Y.ContentAny ? struct.content.arr : [];
    const isEntryForm =
      struct.content instanceof Y.ContentAny &&
      rest.length === 0 &&
      struct.origin === null &&
      struct.rightOrigin === null &&
      // reason: a decoded struct that is not integrated yet holds the root's name where the type says AbstractType
      (struct.parent as unknown) === ENTRIES;
    if (!isEntryForm || struct.parentSub === null) return 'a change that is not a new entry';
    const verdict = judgeEntry(this.#person, struct.parentSub, value, {
      grant: this.#context.grant,
      nowMs: this.#context.nowMs,
      find: (id) => this.#entries.get(id) ?? this.#context.find(id),
      mayComeLater: (id) => this.#context.mayComeLater(id),
      isLost: (id) => !this.#entries.has(id) && (this.#context.isLost?.(id) ?? false),
      fits: (sizeBytes) => this.#context.fitsAll(this.#entries.size + 1, this.#sizeBytes + sizeBytes),
    });
    if (verdict.kind === 'forged') return verdict.reason;
    if (verdict.kind === 'take') {
      this.#entries.set(verdict.entry.id, verdict.entry);
      this.#sizeBytes += verdict.sizeBytes;
      written.push({ struct, offset: 0 });
      return null;
    }
    written.push(neutralStruct(client, struct.id.clock, struct.length));
    if (verdict.kind === 'refuse') {
      // A key may be as long as a frame; what is no id is not repeated.
      const entry = isEntryId(struct.parentSub) ? struct.parentSub : null;
      this.#refusals.push({ entry, code: verdict.code, client, clock: struct.id.clock });
    }
    return null;
  }

  verdict(): Verdict {
    if (this.#structs.size === 0) return { kind: 'known', known: this.known };
    const saved = new Map(this.known);
    for (const [client, written] of this.#structs) {
      const last = written.at(-1);
      if (last) saved.set(client, last.struct.id.clock + last.struct.length);
    }
    return {
      kind: 'take',
      update: encodeStructs(this.#structs, []),
      saved,
      bind: [...this.#structs.keys()].filter((client) => !this.#context.isBound(client)),
      entries: [...this.#entries.values()],
      refusals: this.#refusals,
    };
  }
}
