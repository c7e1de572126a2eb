/**
 * From the log to those who follow: what is durable is projected in the thread, and what that caused is told here.
 *
 *     rooms ─► projector ─► thread ─► grants, log marks, events in order, scheduler
 */
import type { UpdateLog } from '../persistence/log/update-log.ts';
import type { CommittedEntries } from '../persistence/projection/committed-entries.ts';
import type { EventLog } from '../persistence/projection/event-log.ts';
import type { ProjectedBatch } from '../persistence/projection/projection.ts';
import type { ProjectionThread, TimedBatch } from '../persistence/projection/projection-thread.ts';
import type { Clock } from './clock.ts';
import { EventOrder } from './event-order.ts';
import type { Grants } from './grants.ts';
import { type Logger, reasonOf } from './logger.ts';
import { Projector } from './projector.ts';
import { type EventDraft, MAX_EVENTS_KEPT, readEvent, type WireEvent } from './protocol/events.ts';
import type { SessionId } from './protocol/ids.ts';
import type { TurnView } from './protocol/turn.ts';
import type { EventStreams } from './sockets/event-streams.ts';

export interface ProjectionParts {
  readonly thread: ProjectionThread;
  readonly log: UpdateLog;
  readonly events: EventLog;
  readonly grants: Grants;
  readonly streams: EventStreams;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ProjectionWiring {
  readonly projector: Projector;
  /** Logs events and sends them to those who may see them. */
  publish(drafts: readonly EventDraft[]): void;
  /** Projects entries outside the projector's order: at the start, while nobody is here yet. */
  projectNow(batch: readonly CommittedEntries[]): Promise<ProjectedBatch>;
  /** Makes a session's rows anew from all of its segments. Answers false, changing nothing, where they went on meanwhile. */
  rebuild(sessionId: SessionId, segments: readonly CommittedEntries[]): Promise<boolean>;
  /** Calls after each batch that was projected, with what it told of turns. */
  afterProjection(listener: (told: readonly TurnView[]) => void): void;
}

export function wireProjection(parts: ProjectionParts): ProjectionWiring {
  const { thread, log, events, grants, streams, clock, logger } = parts;
  let projected: (told: readonly TurnView[]) => void = () => undefined;
  const order = new EventOrder(
    events.range().newest,
    (id) => events.since(id, MAX_EVENTS_KEPT).events,
    (stored) => streams.publish(stored),
  );
  const answered = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      // It may have ended after its commit: what that work caused counts, and is told, all the same.
      grants.forget();
      order.reread();
      throw error;
    }
  };
  const project = (batch: readonly CommittedEntries[]): Promise<TimedBatch> =>
    answered(thread.project(batch, clock.now()));
  const takeIn = (result: ProjectedBatch, batch: readonly CommittedEntries[]): void => {
    for (const { kind, sessionId } of result.projected) grants.entryProjected(sessionId, kind);
    for (const { document, throughClock } of batch) {
      log.markProjected(document, throughClock).catch((error: unknown) => {
        // The document stays marked as unprojected: the next start looks at it once more, and finds nothing new.
        logger.warn('a document could not be marked as projected', { document, reason: reasonOf(error) });
      });
    }
    order.add(result.events);
    projected(result.events.flatMap(({ wire }) => turnViewOf(wire)));
  };
  const projectBatch = async (batch: readonly CommittedEntries[]): Promise<number> => {
    const { result, workMs } = await project(batch);
    takeIn(result, batch);
    return workMs;
  };
  const projector = new Projector(projectBatch, clock, logger);
  return {
    projector,
    publish: (drafts) => order.add(events.append(drafts, clock.now())),
    projectNow: async (batch) => {
      const { result } = await project(batch);
      order.add(result.events);
      return result;
    },
    rebuild: async (sessionId, segments) => {
      const result = await answered(thread.rebuild(sessionId, segments, clock.now()));
      if (result) takeIn(result, segments);
      return result !== null;
    },
    afterProjection: (listener) => {
      projected = listener;
    },
  };
}

/** What an event tells of a turn, if it does. */
function turnViewOf(wire: WireEvent): readonly TurnView[] {
  const event = readEvent(wire);
  return event?.type === 'turn.updated' ? [event.payload] : [];
}
