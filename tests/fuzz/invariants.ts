/**
 * What must hold whatever happened, rule by rule (SPEC.md, INV). Each check answers what is wrong, in sentences.
 *
 *   rule   while the office runs            after it died
 *   INV1   promisedIsThere                  (what the log replays to is compared with the newcomer: INV3)
 *   INV2   relayedIsThere                   relayedIsLogged
 *   INV3   allHoldTheSame                   logSaysTheSame
 *   INV4   writtenOnceByItsAuthor
 *   INV5   oneReplyForEachTurn
 *   INV6   lockedOutWithinASecond
 *   INV7                                    noRoomStays (asked before it dies, when everyone has left)
 *   INV8   nothingTwice                     doctorFindsNothing
 *   INV9   strangersDoNoHarm
 *   INV10                                   openingAddsNothing
 *   INV11  nothingPends                     logPendsNothing
 */
import * as Y from 'yjs';
import { readEntry } from '../../sync-server/protocol/entry.ts';
import { entriesOf, readEntries, readLiveRows } from '../../sync-server/protocol/segment.ts';
import { isFinal, turnStateSchema } from '../../sync-server/protocol/turn.ts';
import { hasPending } from '../../sync-server/room/room-document.ts';
import { isOwners } from './commands.ts';
import type { Device } from './device.ts';
import { type Look, refusedIn, textOf } from './look.ts';
import { projectionDifference, repeatedEvents, turnsOf } from './projection-check.ts';

type Check = (look: Look) => readonly string[];

const LOCK_OUT_MS = 1_000;

const promisedIsThere: Check = (look) => {
  const refused = refusedIn(look);
  const { held } = look.newcomer;
  const wrong: string[] = [];
  for (const [index, device] of look.devices.entries()) {
    if (device.promised.length < device.written.length) wrong.push(`device ${index} has no receipt for everything`);
    for (const entry of device.promised) {
      if (refused.has(entry.id)) continue;
      if (JSON.stringify(held.get(entry.id)) !== JSON.stringify(entry))
        wrong.push(`${entry.id} of device ${index} had a receipt, and is not there or another`);
    }
    for (const { id } of device.written) {
      if (held.has(id) && refused.has(id)) wrong.push(`${id} of device ${index} is taken and refused`);
    }
  }
  for (const [id, body] of look.answered) {
    if (!isSaying(held.get(id), body)) wrong.push(`${id} was answered, and is not there`);
  }
  return wrong;
};

const relayedIsThere: Check = ({ devices, newcomer }) => lostOfSeen(devices, newcomer.held);

/** What a device saw came through the server, unless it wrote that itself or had it from the other tab. */
function lostOfSeen(devices: readonly Device[], held: ReadonlyMap<string, unknown>): readonly string[] {
  return devices.flatMap((device, index) => {
    const tabs = isOwners(index) ? devices.filter((_, other) => isOwners(other)) : [device];
    const own = new Set<string>(tabs.flatMap(({ written }) => written.map(({ id }) => id)));
    return [...device.seen]
      .filter(([id, entry]) => !own.has(id) && JSON.stringify(held.get(id)) !== entry)
      .map(([id]) => `${id} was relayed to device ${index}, and is not there or another`);
  });
}

const allHoldTheSame: Check = (look) => {
  const { newcomer, devices, dataFolder, sessionId } = look;
  const refused = refusedIn(look);
  const text = textOf(newcomer.held);
  const wrong: string[] = [];
  if (!newcomer.isSynced) wrong.push('a newcomer is not told everything');
  for (const [index, device] of devices.entries()) {
    if (!device.isSynced) wrong.push(`device ${index} is not synced`);
    const held = new Map([...device.held].filter(([id]) => !refused.has(id)));
    if (textOf(held) !== text)
      wrong.push(`device ${index} holds ${held.size} entries, a newcomer ${newcomer.held.size}`);
    for (const { id } of device.written) {
      if (!newcomer.held.has(id) && !refused.has(id))
        wrong.push(`${id} of device ${index} is neither taken nor refused`);
    }
  }
  const difference = projectionDifference(dataFolder, sessionId, newcomer.documents);
  return difference === null ? wrong : [...wrong, `the projection: ${difference}`];
};

const writtenOnceByItsAuthor: Check = (look) => {
  const { devices, newcomer, posted } = look;
  const refused = refusedIn(look);
  const wrong = devices.flatMap((device, index) => device.changed.map((id) => `${id} changed on device ${index}`));
  for (const [index, device] of devices.entries()) {
    for (const id of device.gone) if (!refused.has(id)) wrong.push(`${id} went away on device ${index}`);
  }
  const people = new Set(devices.map(({ author }) => author));
  const written = new Map(
    devices.flatMap((device) => device.written.map((entry) => [entry.id as string, device.author])),
  );
  const places = new Set<string>();
  for (const doc of newcomer.documents) {
    for (const [id, value] of entriesOf(doc).entries()) {
      const entry = readEntry(value);
      if (places.has(id)) wrong.push(`${id} stands twice`);
      places.add(id);
      if (!entry || entry.id !== id) wrong.push(`${id} is no entry of that id`);
      else if (!people.has(entry.author) || posted.has(id) || entry.kind === 'title') continue;
      else if (written.get(id) !== entry.author) wrong.push(`${id} is not by ${entry.author}`);
    }
  }
  return wrong;
};

const oneReplyForEachTurn: Check = ({ dataFolder, sessionId, newcomer }) => {
  const wrong: string[] = [];
  const entries = newcomer.documents.flatMap((doc) => readEntries(doc));
  const replies = entries.flatMap((entry) => (entry.kind === 'reply' ? [entry] : []));
  const work = new Map<string, string>();
  for (const { id, cause, author, step } of replies) {
    const key = `${cause} ${author} ${step}`;
    if (work.has(key)) wrong.push(`${id} and ${work.get(key)} answer the same`);
    work.set(key, id);
  }
  const byId = new Map(replies.map((reply) => [reply.id as string, reply]));
  for (const { id, state } of turnsOf(dataFolder, sessionId)) {
    if (!isFinal(turnStateSchema.parse(state))) wrong.push(`turn ${id} is still ${state}`);
    else if (byId.get(id)?.outcome !== state) wrong.push(`turn ${id} is ${state}, its reply ${byId.get(id)?.outcome}`);
  }
  const rows = newcomer.documents.flatMap((doc) => readLiveRows(doc));
  return [...wrong, ...rows.map(({ rowId }) => `the row ${rowId} is still there`)];
};

const lockedOutWithinASecond: Check = ({ lockOutsMs }) =>
  lockOutsMs.filter((ms) => ms > LOCK_OUT_MS).map((ms) => `somebody locked out was there for ${ms.toFixed(0)} ms more`);

const nothingTwice: Check = ({ dataFolder, sessionId }) =>
  repeatedEvents(dataFolder, sessionId) > 0 ? ['an event stands twice'] : [];

const strangersDoNoHarm: Check = ({ devices, errors }) => [
  ...devices.flatMap(({ verdicts }, index) =>
    verdicts.length > 0 ? [`device ${index} was turned away: ${verdicts.join(', ')}`] : [],
  ),
  ...errors,
];

const nothingPends: Check = ({ devices, newcomer }) =>
  [...devices, newcomer].flatMap((device, index) =>
    device.documents.some((doc) => hasPending(doc)) ? [`device ${index} waits for changes that it lacks`] : [],
  );

/** In the order of the rules. */
export const WHILE_QUIET: Readonly<Record<string, Check>> = {
  INV1: promisedIsThere,
  INV2: relayedIsThere,
  INV3: allHoldTheSame,
  INV4: writtenOnceByItsAuthor,
  INV5: oneReplyForEachTurn,
  INV6: lockedOutWithinASecond,
  INV8: nothingTwice,
  INV9: strangersDoNoHarm,
  INV11: nothingPends,
};

/** What is found when the office is dead, and when it lives again. */
export interface Aftermath {
  readonly look: Look;
  /** Rooms in memory half a minute after the last peer left. */
  readonly roomsOpen: number;
  /** The session's segments as their log replays them, with its own word on what is damaged. */
  readonly replayed: readonly { readonly doc: Y.Doc; readonly damage: string | null }[];
  /** What `npm run doctor` says is wrong. */
  readonly complaints: readonly string[];
  /** A device that came to the office when it lived again. */
  readonly survivor: Device;
}

type LateCheck = (found: Aftermath) => readonly string[];

const entriesIn = (docs: readonly Y.Doc[]): ReadonlyMap<string, unknown> =>
  new Map(docs.flatMap((doc) => [...entriesOf(doc).entries()]));

const relayedIsLogged: LateCheck = ({ look, replayed }) =>
  lostOfSeen(look.devices, entriesIn(replayed.map(({ doc }) => doc))).map((lost) => `${lost}, by the log`);

const logSaysTheSame: LateCheck = ({ look, replayed }) =>
  textOf(entriesIn(replayed.map(({ doc }) => doc))) === textOf(look.newcomer.held)
    ? []
    : ['the log says something else than a newcomer was told'];

const noRoomStays: LateCheck = ({ roomsOpen }) => (roomsOpen > 0 ? [`${roomsOpen} rooms stay in memory`] : []);

const doctorFindsNothing: LateCheck = ({ complaints }) => complaints;

const openingAddsNothing: LateCheck = ({ look, survivor }) =>
  look.newcomer.documents.flatMap((doc, index) => {
    const again = survivor.documents[index];
    if (!again) return [`segment ${index + 1} is gone`];
    return Y.equalSnapshots(Y.snapshot(doc), Y.snapshot(again))
      ? []
      : [`opening segment ${index + 1} again changed it`];
  });

const logPendsNothing: LateCheck = ({ replayed }) =>
  replayed.flatMap(({ damage, doc }, index) =>
    damage !== null || hasPending(doc) ? [`the log of segment ${index + 1}: ${damage ?? 'changes are pending'}`] : [],
  );

export const AFTERWARDS: Readonly<Record<string, LateCheck>> = {
  INV2: relayedIsLogged,
  INV3: logSaysTheSame,
  INV7: noRoomStays,
  INV8: doctorFindsNothing,
  INV10: openingAddsNothing,
  INV11: logPendsNothing,
};

/** Everything that is wrong, each with its rule. */
export const broken = <Found>(
  checks: Readonly<Record<string, (found: Found) => readonly string[]>>,
  found: Found,
): string[] => Object.entries(checks).flatMap(([rule, check]) => check(found).map((wrong) => `${rule}: ${wrong}`));

const isSaying = (entry: unknown, body: string): boolean =>
  typeof entry === 'object' && entry !== null && 'body' in entry && entry.body === body;
