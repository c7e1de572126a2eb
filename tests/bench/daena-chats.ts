/** How a peer finds its way in a chat of ours, which is a chain of segments. */
import * as Y from 'yjs';
import { fillPath, ROUTES } from '../../sync-server/protocol/api.ts';
import { parseDocumentName, segmentName } from '../../sync-server/protocol/document-name.ts';
import { readEntry } from '../../sync-server/protocol/entry.ts';
import type { SessionId } from '../../sync-server/protocol/ids.ts';
import { segmentPageSchema } from '../../sync-server/protocol/wire.ts';
import type { Fetched } from './bed.ts';
import type { ServerProcess } from './server-process.ts';

/** More messages than a screen shows. */
const SCREEN = 50;
/** The kind of the entry that ends a segment, as it stands in an update. */
const SEALED = 'sealed';

function segmentOf(room: string): { readonly sessionId: SessionId; readonly segment: number } {
  const ref = parseDocumentName(room);
  if (ref?.kind !== 'segment') throw new RangeError(`no segment: ${room}`);
  return ref;
}

export function nextRoom(room: string, update: Uint8Array): string | null {
  // Nearly no update says so: only those that may are read.
  if (!Buffer.from(update.buffer, update.byteOffset, update.byteLength).includes(SEALED)) return null;
  for (const struct of Y.decodeUpdate(update).structs) {
    if (!(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentAny)) continue;
    const entry = readEntry(struct.content.arr[0]);
    if (entry?.kind === 'sealed') return segmentName(segmentOf(room).sessionId, entry.next);
  }
  return null;
}

/** Asks for the session's row, as a client does that holds nothing yet. */
export async function entrance(
  server: ServerProcess,
  room: string,
  key: string,
): Promise<Fetched & { readonly room: string }> {
  const { sessionId } = segmentOf(room);
  const text = await get(server, fillPath(ROUTES.session.path, { id: sessionId }), key);
  const { session } = ROUTES.session.response.parse(JSON.parse(text));
  return { room: session.documents.live, messages: 0, bytes: Buffer.byteLength(text) };
}

/** Pages of history above the live segment, newest first. */
export async function earlier(server: ServerProcess, room: string, shown: number, key: string): Promise<Fetched> {
  const { sessionId, segment } = segmentOf(room);
  let [messages, bytes] = [0, 0];
  for (let n = segment - 1; n >= 1 && shown + messages < SCREEN; n--) {
    const text = await get(server, fillPath(ROUTES.segment.path, { id: sessionId, n: String(n) }), key);
    const { entries } = segmentPageSchema.parse(JSON.parse(text));
    messages += entries.length;
    bytes += Buffer.byteLength(text);
  }
  return { messages, bytes };
}

async function get(server: ServerProcess, path: string, key: string): Promise<string> {
  const response = await fetch(new URL(path, server.address), { headers: { authorization: `Bearer ${key}` } });
  const text = await response.text();
  if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${text.slice(0, 300)}`);
  return text;
}
