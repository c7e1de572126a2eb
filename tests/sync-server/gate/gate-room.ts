import * as Y from 'yjs';
import { gateBrief } from '../../../sync-server/gate/gate-brief.ts';
import { gatePerson } from '../../../sync-server/gate/gate-person.ts';
import { gateWorker } from '../../../sync-server/gate/gate-worker.ts';
import { decodeStructs } from '../../../sync-server/gate/update-structs.ts';
import type { Verdict } from '../../../sync-server/gate/verdict.ts';
import type { LeaseGrant } from '../../../sync-server/leases.ts';
import { readEntry } from '../../../sync-server/protocol/entry.ts';
import type { SessionGrant } from '../../../sync-server/protocol/permission.ts';
import type { Person } from '../../../sync-server/protocol/principal.ts';
import { entriesOf } from '../../../sync-server/protocol/segment.ts';

/** A document behind the gate, without sockets or a log: an update that is taken is applied at once. */
export class GateRoom {
  /** Whether the session has earlier segments. */
  mayComeLater = false;
  readonly doc = new Y.Doc();
  readonly owners = new Map<number, string>();
  /** Updates as they entered, in order. */
  readonly entered: Uint8Array[] = [];
  /** How many further entries the segment takes. */
  roomFor = Number.POSITIVE_INFINITY;
  nowMs = 1_000_000;
  grant: SessionGrant = {
    scope: { type: 'general', id: null },
    owner: 'ann',
    isPrivate: false,
    members: [],
    isBinned: false,
  };

  asPerson(person: Person, update: Uint8Array): Verdict {
    const verdict = gatePerson(person, decodeStructs(update), {
      grant: this.grant,
      nowMs: this.nowMs,
      find: (id) => readEntry(entriesOf(this.doc).get(id)) ?? undefined,
      mayComeLater: () => this.mayComeLater,
      fitsAll: (count) => count <= this.roomFor,
      ...this.#clocks(person.id),
    });
    return this.#enter(verdict, person.id);
  }

  asWorker(lease: LeaseGrant, update: Uint8Array): Verdict {
    const verdict = gateWorker(lease, decodeStructs(update), {
      nowMs: this.nowMs,
      hasEntry: (id) => entriesOf(this.doc).has(id),
      ...this.#clocks(`turn:${lease.turn}`),
    });
    return this.#enter(verdict, `turn:${lease.turn}`);
  }

  asEditor(person: Person, update: Uint8Array, sizeBytes = 0): Verdict {
    return this.#enter(gateBrief(decodeStructs(update), { sizeBytes, ...this.#clocks(person.id) }), person.id);
  }

  /** Writes as the office does, past the gate. */
  write(run: (doc: Y.Doc) => void): void {
    this.doc.transact(() => run(this.doc));
    this.owners.set(this.doc.clientID, 'office');
  }

  get isPending(): boolean {
    return this.doc.store.pendingStructs !== null || this.doc.store.pendingDs !== null;
  }

  #clocks(principal: string) {
    return {
      clockOf: (client: number) => Y.getState(this.doc.store, client),
      isOwn: (client: number) => (this.owners.get(client) ?? principal) === principal,
      isBound: (client: number) => this.owners.has(client),
    };
  }

  #enter(verdict: Verdict, principal: string): Verdict {
    if (verdict.kind === 'take') {
      Y.applyUpdate(this.doc, verdict.update);
      for (const client of verdict.bind) this.owners.set(client, principal);
      this.entered.push(verdict.update);
    }
    return verdict;
  }
}

/** A replica of what is in the room now, under a client id of its own. */
export function replicaOf(room: GateRoom, clientId?: number): Y.Doc {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(room.doc));
  // Afterwards: Yjs gives up a client id under which it hears of changes by somebody else.
  if (clientId !== undefined) doc.clientID = clientId;
  return doc;
}

/** What `write` adds to a document, as one update. */
export function updateOf(doc: Y.Doc, write: (doc: Y.Doc) => void): Uint8Array {
  const before = Y.encodeStateVector(doc);
  doc.transact(() => write(doc));
  return Y.encodeStateAsUpdate(doc, before);
}

export const refusalsOf = (verdict: Verdict): string[] =>
  verdict.kind === 'take' ? verdict.refusals.map(({ code }) => code) : [`not taken: ${verdict.kind}`];
