import { setTimeout as pause } from 'node:timers/promises';
import { message } from '../support/entries.ts';
import { startOffice } from '../support/office.ts';
import { connect } from '../support/office-peer.ts';
import { until } from '../support/until.ts';

export interface MadeOffice {
  readonly dataFolder: string;
  readonly sessionId: string;
  readonly document: string;
  readonly ownerId: string;
  /** The one turn that there is; it was stopped. */
  readonly turn: string;
}

/** The data of an office that ran and was stopped: an owner, twelve messages with an edit, and a turn with its reply. */
export async function makeOffice(): Promise<MadeOffice> {
  const office = await startOffice();
  const { me, caller } = await office.signIn();
  const { session } = await caller.call('startChat', { body: { scope_type: 'executive' } });
  const { session_id: id } = session;
  const writer = await connect(caller, session.documents.live, { receipts: true }).synced();
  await caller.call('postMessage', { params: { id }, body: { content: 'What should we do first?' } });
  const turn = await until('a turn', async () => (await caller.call('session', { params: { id } })).turns[0]?.turn);
  await caller.send('stopTurn', { params: { id: turn }, body: { attempt: 1 } });
  await until('its reply', () => writer.has(turn));
  await writeMessages(writer, me.id, 12);
  writer.leave();
  await office.stop();
  return { dataFolder: office.dataFolder, sessionId: id, document: session.documents.live, ownerId: me.id, turn };
}

type Writer = ReturnType<typeof connect>;

async function writeMessages(writer: Writer, author: string, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) writer.write(message(author, n, { body: `word ${n}` }));
  await until('a receipt for all', () => writer.isSaved);
}

/** Writes a message every few ms until it is told to stop; answers the ids that had a receipt at that moment. */
export function writeOn(writer: Writer, author: string): { acknowledged: () => string[]; stop: () => Promise<void> } {
  const written: { readonly id: string; readonly clock: number }[] = [];
  let isOver = false;
  const running = (async () => {
    for (let n = 1; !isOver; n++) {
      const entry = message(author, n);
      writer.write(entry);
      written.push({ id: entry.id, clock: n });
      await pause(2);
    }
  })();
  return {
    acknowledged: () =>
      written.filter(({ clock }) => clock <= (writer.saved.get(writer.doc.clientID) ?? 0)).map(({ id }) => id),
    stop: async () => {
      isOver = true;
      await running;
    },
  };
}
