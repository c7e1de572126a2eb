/** The servers that are compared. */
import { join } from 'node:path';
import { type Bed, type BedOptions, ONE_ROOM } from './bed.ts';
import { makeOffice } from './daena-bed.ts';
import { ServerProcess } from './server-process.ts';
import { type Dialect, Wire } from './wire.ts';

export type SubjectName = 'floor' | 'daena' | 'hocuspocus' | 'y-websocket';

export interface Subject {
  readonly name: SubjectName;
  /** Whether it keeps documents. */
  readonly keeps: boolean;
  makeBed(options: BedOptions): Promise<Bed>;
}

export const SUBJECTS: readonly Subject[] = [
  { name: 'floor', keeps: false, makeBed: peerBed('floor', 'bare') },
  { name: 'daena', keeps: true, makeBed: makeOffice },
  { name: 'hocuspocus', keeps: true, makeBed: peerBed('hocuspocus', 'hocuspocus') },
  { name: 'y-websocket', keeps: true, makeBed: peerBed('y-websocket', 'y-websocket') },
];

export function subjectNamed(name: SubjectName): Subject {
  const subject = SUBJECTS.find((each) => each.name === name);
  if (!subject) throw new RangeError(`no such server: ${name}`);
  return subject;
}

/** As long as the ids of an office's people, so that all servers carry entries of the same size. */
const SOMEBODY = 'somebody'.padEnd(32, '-');

/** A server that makes any document on demand and lets everyone in. */
function peerBed(name: SubjectName, dialect: Dialect): (options: BedOptions) => Promise<Bed> {
  let lastRoom = 0;
  return async ({ folder, nodeOptions }) => ({
    ...ONE_ROOM,
    start: () =>
      ServerProcess.start({
        script: join(import.meta.dirname, 'servers', `${name}.mjs`),
        args: [join(folder, 'data')],
        logFile: join(folder, 'server.log'),
        ...(nodeOptions && { nodeOptions }),
      }),
    makeRooms: async (_, count) => Array.from({ length: count }, () => `room-${++lastRoom}`),
    seat: (server, room) => ({
      url: `${server.address.replace(/^http/, 'ws')}/${room}`,
      headers: {},
      wire: new Wire(dialect, room),
      person: SOMEBODY,
    }),
  });
}
