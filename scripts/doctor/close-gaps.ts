/**
 * A document put together from records of which some are lost. Yjs holds back whatever follows a gap, so each gap is
 * closed with something that has its clocks and no content:
 *
 *     client 7:  0 1 2 [3 4] 5 6        [3 4] lost: nothing in their place, and 5 and 6 apply
 *
 * In the middle of a text that is a deleted piece of text, so that what was typed after it keeps its place; elsewhere it is
 * a struct of garbage, as the gate puts in the place of what it refuses.
 */
import * as Y from 'yjs';
import { decodeStructs, encodeStructs, neutralStruct, type Struct } from '../../sync-server/gate/update-structs.ts';

/** Clocks of a client id whose changes are lost. */
export interface Gap {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** What the records say of one client id. */
interface Heard {
  readonly ranges: Range[];
  /** Text by the clock after it. */
  readonly textsBefore: Set<number>;
  /** The clock up to which something is known to have been there. */
  end: number;
}

/** The document, with nothing pending, and the gaps that were closed in it. Throws where it cannot be put together. */
export function closeGaps(updates: readonly Uint8Array[]): { readonly doc: Y.Doc; readonly gaps: readonly Gap[] } {
  const heard = new Map<number, Heard>();
  for (const update of updates) listen(update, heard);
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  const gaps = [...heard].flatMap(([client, { ranges, end }]) => gapsIn(client, ranges, end));
  for (const gap of gaps) Y.applyUpdate(doc, fillerOf(gap, heard.get(gap.client)?.textsBefore.has(gap.clock) ?? false));
  if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) {
    doc.destroy();
    throw new Error('its gaps could not be closed');
  }
  return { doc, gaps };
}

function listen(update: Uint8Array, heard: Map<number, Heard>): void {
  const { byClient, deleted } = decodeStructs(update);
  const of = (client: number): Heard => {
    const present = heard.get(client) ?? { ranges: [], textsBefore: new Set(), end: 0 };
    heard.set(client, present);
    return present;
  };
  const mention = (client: number, end: number): void => {
    const mentioned = of(client);
    mentioned.end = Math.max(mentioned.end, end);
  };
  for (const [client, structs] of byClient) {
    for (const struct of structs) {
      if (struct instanceof Y.Skip) continue;
      const [from, to] = [struct.id.clock, struct.id.clock + struct.length];
      const { ranges, textsBefore } = of(client);
      ranges.push({ from, to });
      if (isText(struct)) textsBefore.add(to);
      mention(client, to);
      for (const id of referencesOf(struct)) mention(id.client, id.clock + 1);
    }
  }
  for (const range of deleted) mention(range.client, range.clock + range.length);
}

const isText = (struct: Struct): boolean =>
  struct instanceof Y.Item && struct.parentSub === null && struct.content instanceof Y.ContentString;

function referencesOf(struct: Struct): Y.ID[] {
  if (!(struct instanceof Y.Item)) return [];
  // reason: a decoded struct that is not integrated yet holds a name or an id where the type says AbstractType
  const parent = struct.parent as unknown;
  return [struct.origin, struct.rightOrigin, parent instanceof Y.ID ? parent : null].filter((id) => id !== null);
}

function gapsIn(client: number, ranges: readonly Range[], end: number): Gap[] {
  const gaps: Gap[] = [];
  let known = 0;
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    if (from > known) gaps.push({ client, clock: known, length: from - known });
    known = Math.max(known, to);
  }
  if (end > known) gaps.push({ client, clock: known, length: end - known });
  return gaps;
}

function fillerOf({ client, clock, length }: Gap, isAfterText: boolean): Uint8Array {
  const filler = isAfterText
    ? {
        struct: new Y.Item(
          Y.createID(client, clock),
          null,
          Y.createID(client, clock - 1),
          null,
          null,
          null,
          null,
          new Y.ContentDeleted(length),
        ),
        offset: 0,
      }
    : neutralStruct(client, clock, length);
  return encodeStructs(new Map([[client, [filler]]]), []);
}
