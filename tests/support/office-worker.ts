import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import WebSocket from 'ws';
import * as Y from 'yjs';
import type { ReplyEntry } from '../../sync-server/protocol/entry.ts';
import { PROTOCOL_VERSION } from '../../sync-server/protocol/frames.ts';
import { createLiveRow, finishLiveRow } from '../../sync-server/protocol/segment.ts';
import { type Lease, serverMessageSchema, type WorkerMessage } from '../../sync-server/protocol/worker-link.ts';
import { OfficeCaller } from './office-caller.ts';
import { connect, type OfficePeer } from './office-peer.ts';

/** A worker of an office, of which the test says when it writes and when it ends. */
export class OfficeWorker {
  readonly jobs: Lease[] = [];
  readonly #caller: OfficeCaller;
  readonly #socket: WebSocket;

  private constructor(caller: OfficeCaller, socket: WebSocket) {
    this.#caller = caller;
    this.#socket = socket;
    socket.on('message', (bytes) => {
      const message = serverMessageSchema.parse(JSON.parse(String(bytes)));
      if (message.type === 'job') this.jobs.push(message.lease);
    });
    onTestFinished(() => socket.terminate());
  }

  /** Connects with so many slots and a model that is well. */
  static async connect(office: { readonly url: string; readonly dataFolder: string }, slots: number) {
    const token = readFileSync(join(office.dataFolder, 'worker.token'), 'utf8').trim();
    const caller = new OfficeCaller(() => office.url, { authorization: `Bearer ${token}` });
    const socket = new WebSocket(`${office.url.replace(/^http/, 'ws')}/internal/worker`, { headers: caller.headers });
    const worker = new OfficeWorker(caller, socket);
    await once(socket, 'open');
    worker.#say({ type: 'hello', slots, protocol: PROTOCOL_VERSION });
    worker.#say({ type: 'heartbeat', leases: [] });
    worker.#say({
      type: 'brain',
      status: {
        connected: true,
        ollama_available: true,
        llm_available: true,
        provider: 'ollama',
        models: [],
        active_model: 'small',
      },
    });
    return worker;
  }

  /** Joins the document of a lease and begins its row there. */
  async begin(lease: Lease): Promise<OfficePeer> {
    const doc = new Y.Doc();
    doc.clientID = lease.clientId;
    const params = { turn: lease.turn, attempt: String(lease.attempt) };
    const peer = await connect(this.#caller, lease.document, { doc, receipts: true, params }).synced();
    const { turn, attempt, agent, cause, step } = lease;
    const row = { turn, attempt, agent, cause, step, at: Date.now(), model: 'small', isRehearsed: false };
    createLiveRow(doc, row).text.insert(0, 'an answer');
    return peer;
  }

  /** Ends a turn well. */
  finish({ doc }: OfficePeer, lease: Lease): void {
    const { turn, attempt, agent, cause, step } = lease;
    const reply = { kind: 'reply', author: agent, at: Date.now(), cause, step, attempt, outcome: 'done' };
    // reason: a lease names its turn and its cause by ids of entries
    finishLiveRow(doc, lease.rowId, { ...reply, id: turn, body: 'an answer' } as ReplyEntry);
  }

  #say(message: WorkerMessage): void {
    this.#socket.send(JSON.stringify(message));
  }
}
