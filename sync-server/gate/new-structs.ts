import * as Y from 'yjs';
import type { Struct } from './update-structs.ts';
import type { NewStructs } from './verdict.ts';

/**
 * The structs of one client id from the room's clock on. Nothing may ever become pending, so they must continue that
 * clock without a hole.
 * @param firstClock the room's clock of this client id: everything below it is known
 */
export function newStructsOf(structs: readonly Struct[], firstClock: number): NewStructs<Y.Item | Y.GC> {
  const fresh: (Y.Item | Y.GC)[] = [];
  let firstOffset = 0;
  let clock = firstClock;
  for (const struct of structs) {
    const end = struct.id.clock + struct.length;
    if (end <= firstClock) continue;
    if (struct instanceof Y.Skip || struct.id.clock > clock) return { kind: 'gap' };
    if (fresh.length > 0 && struct.id.clock < clock) return { kind: 'straddles' };
    if (fresh.length === 0) firstOffset = firstClock - struct.id.clock;
    fresh.push(struct);
    clock = end;
  }
  if (fresh.length === 0) return { kind: 'none' };
  return { kind: 'new', structs: fresh, firstOffset };
}
