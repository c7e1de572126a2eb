import * as Y from 'yjs';

/** Whether bytes decode as a Yjs update (3 to 5 µs for a usual one). */
export function isReadableUpdate(update: Uint8Array): boolean {
  try {
    Y.decodeUpdate(update);
    return true;
  } catch {
    // lib0 throws on any malformed byte; that is the answer.
    return false;
  }
}

/**
 * Why `merged` must not replace `updates`, as the end of a sentence; undefined where it holds every struct of theirs.
 * Compares clocks per client id, not contents.
 */
export function lacksStructsOf(merged: Uint8Array, updates: readonly Uint8Array[]): string | undefined {
  if (!isReadableUpdate(merged)) return 'the merge is no Yjs update';
  const held = Y.decodeStateVector(Y.encodeStateVectorFromUpdate(merged));
  for (const update of updates) {
    if (!isReadableUpdate(update)) return 'one of its records is damaged';
    for (const [client, clock] of Y.parseUpdateMeta(update).to) {
      if ((held.get(client) ?? 0) < clock) return `the merge lacks changes of client ${client}`;
    }
  }
  return undefined;
}
