/**
 * Whether the copies of a segment still say the same, and what to do where they do not:
 *
 *     the room's document ─┐
 *     the log, replayed ───┼─ entries by id, in canonical JSON: one hash for all three
 *     the projection ──────┘
 *
 * The log is right. A room that says something else is dropped and read again; a projection that does is made anew.
 * Equal state vectors prove nothing, so contents are compared: room and projection in one turn of the event loop, and only
 * where nothing has moved since the log was read.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type * as Y from 'yjs';
import type { Database } from '../persistence/database.ts';
import type { UpdateLog } from '../persistence/log/update-log.ts';
import type { CommittedEntries } from '../persistence/projection/committed-entries.ts';
import { NOTHING_PROJECTED } from '../persistence/projection/projection.ts';
import {
  contentHash,
  contentOfLog,
  contentOfProjection,
  differenceOf,
  projectedEntries,
  projectedSegment,
  segmentContent,
  segmentDifference,
  segmentHash,
} from '../persistence/projection/session-content.ts';
import type { Clock } from './clock.ts';
import { type Logger, reasonOf } from './logger.ts';
import { type DocumentRef, parseDocumentName } from './protocol/document-name.ts';
import { compareEntries } from './protocol/entry.ts';
import { OfficeError } from './protocol/errors.ts';
import type { SessionId } from './protocol/ids.ts';
import { readEntries } from './protocol/segment.ts';
import type { Room } from './room/room.ts';
import { loadDocument } from './room/room-document.ts';

/** Between two checks that nobody asked for lies at least this, in ms ... */
const MIN_REST_MS = 5_000;
/** ... and at least this many times what the last one took: half a percent of the time goes into them. */
const REST_FACTOR = 200;
/** How often a comparison is begun anew because the segment moved meanwhile. */
const MAX_ATTEMPTS = 5;
/** Entries of a session whose folded rows are compared too: 10 ms for 1,000. Those of longer ones `npm run doctor` compares. */
const MAX_FOLDED_ENTRIES = 2_000;
/** Entries of a session that is projected anew while the office runs: other writers of the database wait meanwhile, for a
 * tenth of a millisecond each. Longer ones `npm run doctor -- --repair` mends. */
const MAX_HEALED_ENTRIES = 20_000;

type SegmentRef = Extract<DocumentRef, { kind: 'segment' }>;

/** What was found different, and whether it was mended. */
export interface Divergence {
  readonly document: string;
  /** Which copy does not say what the log says. */
  readonly copy: 'room' | 'projection';
  readonly difference: string;
  readonly isHealed: boolean;
}

export interface DivergenceParts {
  readonly log: UpdateLog;
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The room of a document; undefined where it is not in memory. */
  findRoom(document: string): Room | undefined;
  /** Makes a session's rows anew from all of its segments. Answers false, changing nothing, where they went on meanwhile. */
  rebuild(sessionId: SessionId, segments: readonly CommittedEntries[]): Promise<boolean>;
}

interface CheckOptions {
  /** Whether the rows that are folded from the session's entries are compared too. */
  readonly isFolded: boolean;
}

interface Logged {
  readonly content: ReadonlyMap<string, string>;
  readonly lastClock: number;
  /** The clock that the log had reached before the room was last waited for: so far it is projected. */
  readonly settledThrough: number;
}

type Found = Omit<Divergence, 'document' | 'isHealed'>;

export class Divergences {
  readonly #parts: DivergenceParts;
  #restUntil = 0;
  #isChecking = false;
  #count = 0;

  constructor(parts: DivergenceParts) {
    this.#parts = parts;
  }

  /** Divergences found since the start. */
  get count(): number {
    return this.#count;
  }

  /** Checks a segment whose room is about to be closed, if the last such check is long enough ago. Never rejects. */
  async checkIdle(document: string): Promise<void> {
    if (this.#parts.clock.now() < this.#restUntil || parseDocumentName(document)?.kind !== 'segment') return;
    await this.#checkQuietly(document, { isFolded: true });
  }

  /**
   * Checks the entries of a segment that was ended just now, unless another check is under way: people write in that
   * session at this moment, so its rows are compared when they have gone. Never rejects.
   */
  checkSealed(document: string): Promise<void> {
    return this.#checkQuietly(document, { isFolded: false });
  }

  async #checkQuietly(document: string, options: CheckOptions): Promise<void> {
    const { clock, logger } = this.#parts;
    if (this.#isChecking) return;
    this.#isChecking = true;
    const startedAt = performance.now();
    try {
      await this.checkSegment(document, options);
    } catch (error) {
      logger.warn('a segment could not be compared with its log', { document, reason: reasonOf(error) });
    } finally {
      this.#isChecking = false;
      this.#restUntil = clock.now() + Math.max(MIN_REST_MS, REST_FACTOR * (performance.now() - startedAt));
    }
  }

  /**
   * Compares a segment's room, log and projection, and mends what differs from the log. Answers `unknown` where the log is
   * damaged, or the segment does not hold still. Rejects where the log cannot be read, or the room ends meanwhile.
   */
  async checkSegment(
    document: string,
    options: CheckOptions = { isFolded: true },
  ): Promise<'same' | 'unknown' | Divergence> {
    const ref = parseDocumentName(document);
    if (ref?.kind !== 'segment') throw new OfficeError('bad_request', `${document} is no segment`);
    let settledThrough = NOTHING_PROJECTED - 1;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      await this.#parts.findRoom(document)?.settled();
      const loaded = await loadDocument(this.#parts.log, document);
      try {
        if (loaded.damage !== null) return 'unknown';
        // Each step takes some ms: the sockets come in between.
        await breathe();
        const logged = segmentContent(readEntries(loaded.doc));
        await breathe();
        // In one transaction: another connection writes to the database meanwhile.
        const compare = this.#parts.database.transaction(() =>
          this.#compare(document, ref, { content: logged, lastClock: loaded.lastClock, settledThrough }, options),
        );
        const found = compare();
        settledThrough = loaded.lastClock;
        if (found === 'moved') continue;
        return found === null ? 'same' : await this.#heal(document, ref, found);
      } finally {
        loaded.doc.destroy();
      }
    }
    return 'unknown';
  }

  /** What differs, null where nothing does. Runs in one go. */
  #compare(
    document: string,
    ref: SegmentRef,
    { content: logged, lastClock, settledThrough }: Logged,
    { isFolded }: CheckOptions,
  ): Found | 'moved' | null {
    const { database, findRoom } = this.#parts;
    const room = findRoom(document);
    const committed = room?.committed;
    const through = watermarkOf(database, document);
    if ((room && !committed) || through > lastClock || (committed && committed.lastClock > lastClock)) return 'moved';
    if (committed) {
      const difference = roomDifference(logged, committed, lastClock);
      if (difference !== null) return { copy: 'room', difference };
    }
    // Of a segment that no room has, and since the room was waited for, what was committed may still be on its way to the
    // projection.
    if (through < lastClock && (!room || through >= settledThrough)) return 'moved';
    const difference =
      through < lastClock
        ? `it is read through record ${through} of ${lastClock}`
        : segmentDifference(logged, projectedSegment(database, ref.sessionId, ref.segment));
    if (difference !== null) return { copy: 'projection', difference };
    return isFolded ? rowsDifference(database, ref.sessionId) : null;
  }

  async #heal(document: string, ref: SegmentRef, { copy, difference }: Found): Promise<Divergence> {
    const { logger, findRoom } = this.#parts;
    this.#count++;
    logger.error('a segment says something else than its log', { document, copy, difference });
    if (copy === 'room') {
      findRoom(document)?.drop(new OfficeError('restarting', 'the room is being read again from the log'));
      return { document, copy, difference, isHealed: true };
    }
    const isHealed = await this.#reproject(ref.sessionId);
    logger.warn(isHealed ? 'its rows were made anew from the log' : 'npm run doctor -- --repair mends it', {
      document,
    });
    return { document, copy, difference, isHealed };
  }

  /** Makes a session's rows anew. Answers whether that could be done: it is short enough, and its log is whole. */
  async #reproject(sessionId: SessionId): Promise<boolean> {
    const { log, clock, rebuild } = this.#parts;
    const documents = (await log.documents()).flatMap((document) => {
      const ref = parseDocumentName(document);
      return ref?.kind === 'segment' && ref.sessionId === sessionId ? [{ document, segment: ref.segment }] : [];
    });
    documents.sort((a, b) => a.segment - b.segment);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const segments: CommittedEntries[] = [];
      let count = 0;
      for (const { document, segment } of documents) {
        const { doc, damage, lastClock: throughClock } = await loadDocument(log, document);
        const entries = readEntries(doc).sort(compareEntries);
        doc.destroy();
        count += entries.length;
        if (damage !== null || count > MAX_HEALED_ENTRIES) return false;
        segments.push({ document, sessionId, segment, throughClock, entries, committedAt: clock.now() });
      }
      if (await rebuild(sessionId, segments)) return true;
    }
    return false;
  }
}

function watermarkOf(database: Database, document: string): number {
  const row = database
    .prepare<[string], { through: number }>('SELECT through_clock AS through FROM watermarks WHERE document = ?')
    .get(document);
  return row?.through ?? NOTHING_PROJECTED;
}

function roomDifference(
  logged: ReadonlyMap<string, string>,
  { doc, lastClock }: { readonly doc: Y.Doc; readonly lastClock: number },
  loggedThrough: number,
): string | null {
  if (lastClock < loggedThrough) return `the log has ${loggedThrough - lastClock} records that the room did not write`;
  const held = segmentContent(readEntries(doc));
  return segmentHash(held) === segmentHash(logged) ? null : segmentDifference(logged, held);
}

/** Whether the rows that people are shown are the fold of the session's entries. */
function rowsDifference(database: Database, sessionId: string): Found | null {
  const entries = projectedEntries(database, sessionId);
  if (entries.size > MAX_FOLDED_ENTRIES) return null;
  const [expected, found] = [contentOfLog(database, sessionId, entries), contentOfProjection(database, sessionId)];
  if (!expected || !found) return { copy: 'projection', difference: 'its session has no row' };
  const isSame = contentHash(expected) === contentHash(found);
  return isSame ? null : { copy: 'projection', difference: differenceOf(expected, found) };
}
