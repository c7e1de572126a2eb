/**
 * Rounds of: load from many peers, kill -9 at a random moment, start again, count what is missing.
 *
 * Shown is what the server had said was durable (a receipt, its state vector, an answer by HTTP) or had relayed to a
 * stock reader. Peers stay away until the count is done, so that nobody brings back what the server lost.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { treatOffice } from '../../scripts/doctor/treat.ts';
import { entriesOf } from '../../sync-server/protocol/segment.ts';
import { randomness } from '../support/mutated-frames.ts';
import { RunningOffice } from '../support/office.ts';
import { addMember } from '../support/office-people.ts';
import { until } from '../support/until.ts';
import { CrashRoom, type Shown } from './crash-room.ts';
import type { Device } from './device.ts';
import { projectionDifference, repeatedEvents } from './projection-check.ts';
import type { Below } from './written-entries.ts';

const ROOMS = 3;
/** Rounds that the same chats live through: long enough for their logs to be compacted. */
const ROUNDS_PER_CHAT = 8;
/** When the server dies, in ms after everyone came. */
const MAX_LOAD_MS = 600;
/** One start in so many is killed as well. */
const KILLED_STARTS = 5;
const MAX_START_MS = 700;
/** One round in so many ends with the sealing of a segment, if one comes soon. */
const DEATHS_AT_SEAL = 3;
const MAX_SEAL_MS = 4_000;
/** With segments that are soon full. */
const MAIN = join(import.meta.dirname, 'rolling-server.ts');

export interface CrashPlan {
  readonly rounds: number;
  readonly seed: number;
  /** An empty folder. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

export interface CrashSummary {
  kills: number;
  /** Of these, in the moment in which a segment was sealed. */
  killsAtSeal: number;
  /** Entries that had been shown, counted again after each kill that they lived through. */
  looks: number;
  /** Entries that were shown, each once. */
  shown: number;
  lost: number;
  /** Entries that came back other than they were written. */
  altered: number;
  /** Entries that stand in two segments. */
  repeated: number;
  /** Honest entries that the gate refused. */
  refused: number;
  /** Of entries that had no receipt when the server died, those that their device could not bring later. */
  undelivered: number;
  /** Segments of all chats. */
  segments: number;
  /** Chats whose projection differs from the fold of their log. */
  differing: number;
  repeatedEvents: number;
  /** Whether `npm run doctor` finds everything whole afterwards. */
  isWhole: boolean;
}

interface Watch {
  readonly folder: string;
  readonly say: (line: string) => void;
  readonly summary: CrashSummary;
}

export const isFaultless = (summary: CrashSummary): boolean =>
  summary.isWhole &&
  summary.lost +
    summary.altered +
    summary.repeated +
    summary.refused +
    summary.undelivered +
    summary.differing +
    summary.repeatedEvents ===
    0;

/** Runs the rounds; ends the server it started. Rejects where the server does not start again. */
export async function runCrashRounds({ rounds, seed, folder, say }: CrashPlan): Promise<CrashSummary> {
  const below = randomness(seed);
  const office = new RunningOffice({ dataFolder: folder, main: MAIN });
  const summary: CrashSummary = {
    kills: 0,
    killsAtSeal: 0,
    looks: 0,
    shown: 0,
    lost: 0,
    altered: 0,
    repeated: 0,
    refused: 0,
    undelivered: 0,
    segments: 0,
    differing: 0,
    repeatedEvents: 0,
    isWhole: false,
  };
  const watch = { folder, say, summary };
  await office.start();
  try {
    const owner = await office.signIn();
    const people = [owner, await addMember(owner.caller, 'bob')];
    const open = (): Promise<CrashRoom[]> =>
      Promise.all(Array.from({ length: ROOMS }, () => CrashRoom.open(people, below)));
    let rooms = await open();
    for (let round = 1; round <= rounds; round++) {
      if (await loadUntilKilled(office, rooms, below)) summary.killsAtSeal++;
      summary.kills++;
      const seen = shownIn(rooms);
      await startAgain(office, below, summary);
      for (const [room, shown] of seen) await lookInto(room, shown, watch);
      if (round % 10 === 0) say(`${round} rounds: ${JSON.stringify(summary)}`);
      for (const room of rooms) room.comeBack();
      if (round % ROUNDS_PER_CHAT !== 0 && round !== rounds) continue;
      for (const room of rooms) await endOf(room, watch);
      if (round !== rounds) rooms = await open();
    }
  } finally {
    await office.kill9();
  }
  summary.isWhole = await treatOffice({
    dataFolder: folder,
    isRepairing: false,
    say,
    signal: new AbortController().signal,
  });
  return summary;
}

/** Answers whether it died by itself as a segment was sealed. */
async function loadUntilKilled(office: RunningOffice, rooms: readonly CrashRoom[], below: Below): Promise<boolean> {
  const isToSeal = below(DEATHS_AT_SEAL) === 0;
  const endAt = performance.now() + (isToSeal ? MAX_SEAL_MS : below(MAX_LOAD_MS));
  if (isToSeal) office.tell({ type: 'die-at-seal' });
  while (performance.now() < endAt && office.isRunning) {
    for (const room of rooms) room.write(below);
    await pause(below(12));
  }
  const isDead = !office.isRunning;
  for (const room of rooms) room.stayAway();
  await office.kill9();
  // What the server had sent before it died may still arrive, and counts.
  await until('every connection noticed', () => rooms.every((room) => room.isAlone));
  return isDead;
}

async function startAgain(office: RunningOffice, below: Below, summary: CrashSummary): Promise<void> {
  if (below(KILLED_STARTS) === 0) {
    const starting = office.start().then(
      () => undefined,
      // Killed before it was ready: that is what is tried here.
      () => undefined,
    );
    await pause(below(MAX_START_MS));
    await office.kill9();
    await starting;
    summary.kills++;
  }
  await office.start();
}

type Seen = ReadonlyMap<CrashRoom, ReadonlyMap<string, Shown>>;

const shownIn = (rooms: readonly CrashRoom[]): Seen => new Map(rooms.map((room) => [room, room.shown()]));

/** Counts what a newcomer does not find of what was shown, and compares the projection with what they do find. */
async function lookInto(room: CrashRoom, shown: ReadonlyMap<string, Shown>, watch: Watch): Promise<void> {
  const { summary } = watch;
  const newcomer = await room.newcomer();
  try {
    const { held } = newcomer;
    for (const [id, { how, text }] of shown) {
      const there = held.get(id);
      if (there === undefined) {
        summary.lost++;
        watch.say(`kill ${summary.kills}: ${id} in ${room.sessionId} is lost after a ${how}`);
      } else if (!isAsSent(there, how, text)) summary.altered++;
    }
    const ids = newcomer.documents.flatMap((doc) => [...entriesOf(doc).keys()]);
    summary.repeated += ids.length - new Set(ids).size;
    summary.looks += shown.size;
    await compareProjection(room, newcomer, watch);
  } finally {
    newcomer.leave();
  }
}

function isAsSent(entry: unknown, how: Shown['how'], text: string): boolean {
  if (how !== 'answer') return JSON.stringify(entry) === text;
  return typeof entry === 'object' && entry !== null && 'body' in entry && entry.body === text;
}

async function compareProjection(room: CrashRoom, newcomer: Device, { folder, summary }: Watch): Promise<void> {
  // What is durable is projected a moment later.
  const isEqual = (): boolean => projectionDifference(folder, room.sessionId, newcomer.documents) === null;
  await until('the projection', isEqual).catch(() => {
    summary.differing++;
  });
  summary.repeatedEvents += repeatedEvents(folder, room.sessionId);
}

/** Lets every device bring what it has, looks once more, and takes the chat's peers away. */
async function endOf(room: CrashRoom, watch: Watch): Promise<void> {
  const { summary } = watch;
  await until('everything is saved', () => room.unsaved === 0).catch(() => {
    summary.undelivered += room.unsaved;
  });
  const shown = room.shown();
  await lookInto(room, shown, watch);
  summary.shown += shown.size;
  summary.segments += room.segments;
  summary.refused += room.refusals;
  room.leave();
}
