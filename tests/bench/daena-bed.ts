import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createAccounts } from '../../persistence/accounts/accounts.ts';
import { readOrCreateSecret } from '../../persistence/accounts/secret-files.ts';
import { openDatabase } from '../../persistence/database.ts';
import { OfficeClient } from '../../scripts/smoke/office-client.ts';
import { segmentName } from '../../sync-server/protocol/document-name.ts';
import { isUlid } from '../../sync-server/protocol/ids.ts';
import { SEGMENT_ENTRIES } from '../../sync-server/protocol/segment.ts';
import type { Bed, BedOptions } from './bed.ts';
import { earlier, entrance, nextRoom } from './daena-chats.ts';
import { ServerProcess } from './server-process.ts';
import { Wire } from './wire.ts';

/** Real people with keys of their own, so many that none comes near the sockets and frames that one person may have. */
const PEOPLE = 10;
/** Sessions asked for at the same time. */
const STARTS_AT_ONCE = 8;

interface BenchPerson {
  readonly id: string;
  readonly key: string;
}

const ROOT = resolve(import.meta.dirname, '..', '..');

/** An office with members who signed up, as `sync-server/main.ts` runs it: its gate, its receipts, its safest durability. */
export async function makeOffice({ folder, nodeOptions }: BedOptions): Promise<Bed> {
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  const people = await makePeople(data);
  const personAt = (index: number): BenchPerson => {
    const person = people[index % people.length];
    if (!person) throw new RangeError('an office without people');
    return person;
  };
  let lastRoom = 0;
  const placeOf = new Map<string, number>();
  return {
    start: () =>
      ServerProcess.start({
        script: join(ROOT, 'sync-server', 'main.ts'),
        env: { DAENA_DATA: data, DAENA_PORT: '0', DAENA_HOST: '127.0.0.1' },
        logFile: join(folder, 'server.log'),
        ...(nodeOptions && { nodeOptions }),
      }),
    makeRooms: async (server, count) => {
      const rooms: string[] = [];
      while (rooms.length < count) {
        const some = Math.min(STARTS_AT_ONCE, count - rooms.length);
        const started = await Promise.all(
          Array.from({ length: some }, (_, i) => startSession(server.address, personAt(i).key)),
        );
        rooms.push(...started);
      }
      for (const room of rooms) placeOf.set(room, lastRoom++);
      return rooms;
    },
    roomHolds: SEGMENT_ENTRIES,
    nextRoom: (room, update) => {
      const next = nextRoom(room, update);
      // The same people sit there.
      if (next !== null) placeOf.set(next, placeOf.get(room) ?? 0);
      return next;
    },
    entrance: async (server, room) => {
      const found = await entrance(server, room, personAt(placeOf.get(room) ?? 0).key);
      placeOf.set(found.room, placeOf.get(room) ?? 0);
      return found;
    },
    earlier: (server, room, shown) => earlier(server, room, shown, personAt(placeOf.get(room) ?? 0).key),
    seat: (server, room, index) => {
      const person = personAt((placeOf.get(room) ?? 0) + index);
      return {
        url: `${server.address.replace(/^http/, 'ws')}/sync/${encodeURIComponent(room)}?receipts=1`,
        headers: { authorization: `Bearer ${person.key}` },
        wire: new Wire('y-websocket', room),
        person: person.id,
      };
    },
  };
}

/** A session in which no agent answers a message, also one that somebody writes alone: it is the sync that is measured. */
async function startSession(address: string, key: string): Promise<string> {
  const client = new OfficeClient(address, key);
  const { session_id } = await client.call('startChat', { body: { scope_type: 'council', scope_id: 'finance' } });
  if (!isUlid(session_id)) throw new Error(`a session without a ULID: ${session_id}`);
  return segmentName(session_id, 1);
}

async function makePeople(data: string): Promise<BenchPerson[]> {
  const database = openDatabase(join(data, 'daena.sqlite'));
  try {
    const accounts = createAccounts({
      database,
      baseUrl: 'http://127.0.0.1',
      secret: readOrCreateSecret(join(data, 'auth.secret')),
      trustedOrigins: [],
      secureCookies: false,
      now: () => Date.now(),
    });
    const accountOf = (name: string) => ({ name, email: `${name}@example.org`, password: `password of ${name}` });
    const owner = await accounts.createOwner({ token: null, ...accountOf('owner') });
    const people = [owner.person];
    while (people.length < PEOPLE) {
      const { token } = accounts.issueInvite(owner.person);
      people.push((await accounts.acceptInvite({ token, ...accountOf(`member-${people.length}`) })).person);
    }
    return await Promise.all(
      people.map(async ({ id }) => ({ id, key: (await accounts.makeApiKey(id, 'benchmark')).key })),
    );
  } finally {
    database.close();
  }
}
