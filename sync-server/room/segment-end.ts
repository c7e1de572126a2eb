import { reasonOf } from '../logger.ts';
import { OFFICE_AUTHOR, type OfficeEntry } from '../protocol/entry.ts';
import { deriveId } from '../protocol/ids.ts';
import { liveOf, writeEntry } from '../protocol/segment.ts';
import type { ReplicaContext, RoomReplica } from './room-replica.ts';
import { isToBeSealed } from './segment-roll.ts';

/** Ends a room's segment when that is full. */
export class SegmentEnd {
  readonly #replica: RoomReplica;
  readonly #context: ReplicaContext;

  constructor(replica: RoomReplica, context: ReplicaContext) {
    this.#replica = replica;
    this.#context = context;
  }

  /**
   * To be called after each change, and when the room was loaded. Seals the segment if its time has come, through the
   * room's own write path: in the log before anybody is told. Never throws.
   * @param isSuperseded whether the session has a later segment already
   */
  sealIfFull(isSuperseded: boolean): void {
    const { ref, doc, tally, name, isOver, damage } = this.#replica;
    if (ref.kind !== 'segment' || isOver || damage !== null) return;
    const { sessionId, segment } = ref;
    const { leases, segmentLimits, logger } = this.#context;
    const isDue = isToBeSealed(
      {
        entryCount: tally.entryCount,
        sizeBytes: tally.sizeBytes,
        isSealed: tally.isSealed,
        isWrittenIn: liveOf(doc).size > 0 || leases.isOn(name),
        isSuperseded,
      },
      segmentLimits,
    );
    if (!isDue) return;
    const sealed: OfficeEntry = {
      id: deriveId('sealed', sessionId, String(segment)),
      kind: 'sealed',
      author: OFFICE_AUTHOR,
      at: this.#replica.nextAt(),
      next: segment + 1,
    };
    this.#replica
      .write(() => writeEntry(doc, sealed), [sealed])
      .catch((error: unknown) => {
        // The room has failed; when it is opened again, it is still full.
        logger.warn('a segment was not sealed', { document: name, reason: reasonOf(error) });
      });
  }
}
