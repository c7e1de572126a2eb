import * as Y from 'yjs';
import { encodeStructs, type WrittenStruct } from '../../sync-server/gate/update-structs.ts';

/** Deep enough that deleting the outermost element overflows the stack, however large that is set. */
const DEPTH = 60_000;

/** A well-formed update of a brief, elements within elements, that Yjs throws on: it deletes them by recursion. */
export function deepBrief(client: number): Uint8Array {
  const structs = Array.from({ length: DEPTH }, (_, clock): WrittenStruct => {
    // reason: a struct that is written and not integrated holds a root's name or an id where the type says AbstractType
    const parent = (clock === 0 ? 'root' : Y.createID(client, clock - 1)) as unknown as Y.ID;
    const content = new Y.ContentType(new Y.XmlText());
    return { struct: new Y.Item(Y.createID(client, clock), null, null, null, null, parent, null, content), offset: 0 };
  });
  return encodeStructs(new Map([[client, structs]]), [{ client, clock: 0, length: 1 }]);
}
