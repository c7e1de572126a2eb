/**
 * Everything here that has a bound, in one table: what may grow, how far, and what happens beyond. The constants stand
 * where they are used, each with its reason; `/metrics` shows the table and, where that can be told, its present use.
 */
import { MAX_BATCH_RECORDS, MAX_QUEUED_BYTES } from '../persistence/log/group-commit.ts';
import { MAX_BRIEF_BYTES } from './gate/gate-brief.ts';
import { MAX_BODY_BYTES } from './protocol/api.ts';
import { MAX_ENTRY_BYTES } from './protocol/entry.ts';
import { MAX_EVENTS_KEPT } from './protocol/events.ts';
import { MAX_AWARENESS_STATE_BYTES, MAX_AWARENESS_STATES, MAX_FRAME_BYTES } from './protocol/frames.ts';
import { MAX_SEALED_BYTES, MAX_SEALED_ENTRIES, SEGMENT_BYTES, SEGMENT_ENTRIES } from './protocol/segment.ts';
import { MAX_OPEN_TURNS_PER_PERSON } from './protocol/turn.ts';
import { MAX_WORKER_MESSAGE_BYTES } from './protocol/worker-link.ts';
import { MAX_RESERVED_PER_PERSON } from './room/reserved-clients.ts';
import { MAX_CLAIMS_PER_PEER, MAX_CLAIMS_PER_ROOM, MAX_PRESENCE_BYTES, MAX_TOMBSTONES } from './room/room-awareness.ts';
import { MAX_REFUSALS_KEPT } from './room/room-document.ts';
import { MAX_PROJECTION_BACKLOG, MAX_UNCOMMITTED, MAX_UNCOMMITTED_BYTES } from './room/room-replica.ts';
import { MAX_OPEN_ROOMS } from './room/rooms.ts';
import { BEHIND_BUFFER_BYTES, MAX_BEHIND_MS, MAX_BUFFER_BYTES, PRESENCE_BUFFER_BYTES } from './room/slow-reader.ts';
import { MAX_REPLAY, MAX_STREAM_BUFFER_BYTES } from './sockets/event-streams.ts';
import { MAX_SOCKETS_PER_PERSON } from './sockets/held-sockets.ts';
import { BURST_FRAMES, FRAMES_PER_SECOND } from './sockets/rate-limiter.ts';

export interface Bound {
  readonly limit: number;
  /** What is bounded. */
  readonly of: string;
  /** What happens beyond. */
  readonly beyond: string;
}

export const BOUNDS = {
  frame_bytes: { limit: MAX_FRAME_BYTES, of: 'one message to /sync', beyond: 'closed with 4413' },
  worker_message_bytes: {
    limit: MAX_WORKER_MESSAGE_BYTES,
    of: 'one message to the other doors',
    beyond: 'closed with 4413',
  },
  http_body_bytes: { limit: MAX_BODY_BYTES, of: 'one HTTP request', beyond: 'answered with 413' },
  entry_bytes: { limit: MAX_ENTRY_BYTES, of: 'one entry as JSON', beyond: 'neutralised, nack `size`' },
  brief_bytes: { limit: MAX_BRIEF_BYTES, of: 'one brief', beyond: 'closed with 4422' },
  segment_entries: { limit: SEGMENT_ENTRIES, of: 'entries of one segment', beyond: 'the next segment begins' },
  segment_bytes: { limit: SEGMENT_BYTES, of: 'entries of one segment as JSON', beyond: 'the next segment begins' },
  sealed_segment_entries: {
    limit: MAX_SEALED_ENTRIES,
    of: 'entries of a sealed segment, with what devices still had',
    beyond: 'neutralised',
  },
  sealed_segment_bytes: {
    limit: MAX_SEALED_BYTES,
    of: 'entries of a sealed segment as JSON, with what devices still had',
    beyond: 'neutralised',
  },
  pending_structs: { limit: 0, of: 'structs that wait for others in a document', beyond: 'the update is dropped' },
  uncommitted_changes: {
    limit: MAX_UNCOMMITTED,
    of: 'changes of one room that wait for the disk',
    beyond: 'closed with 4529, or answered with 429',
  },
  uncommitted_bytes: {
    limit: MAX_UNCOMMITTED_BYTES,
    of: 'bytes of one room that wait for the disk',
    beyond: 'closed with 4529, or answered with 429',
  },
  commit_queue_bytes: {
    limit: MAX_QUEUED_BYTES,
    of: 'changes of all rooms that wait for the disk',
    beyond: 'closed with 4503',
  },
  commit_batch_records: { limit: MAX_BATCH_RECORDS, of: 'changes in one write to the disk', beyond: 'the next batch' },
  projection_backlog: {
    limit: MAX_PROJECTION_BACKLOG,
    of: 'durable changes that wait for their projection',
    beyond: 'closed with 4529, or answered with 429',
  },
  refusals_kept: { limit: MAX_REFUSALS_KEPT, of: 'nacks that one document repeats', beyond: 'the oldest is forgotten' },
  open_rooms: {
    limit: MAX_OPEN_ROOMS,
    of: 'documents in memory',
    beyond: 'the longest empty one is closed, or the newcomer is, with 4529',
  },
  sockets_per_person: { limit: MAX_SOCKETS_PER_PERSON, of: 'sockets of one person', beyond: 'closed with 4529' },
  frames_per_second: {
    limit: FRAMES_PER_SECOND,
    of: 'frames of one person in the long run',
    beyond: 'sockets are paused',
  },
  frames_at_once: { limit: BURST_FRAMES, of: 'frames of one person at once', beyond: 'sockets are paused' },
  presence_buffer_bytes: {
    limit: PRESENCE_BUFFER_BYTES,
    of: 'what waits for one connection',
    beyond: 'it gets no presence',
  },
  behind_buffer_bytes: {
    limit: BEHIND_BUFFER_BYTES,
    of: 'what waits for one connection',
    beyond: 'it gets what it lacks later, as one update',
  },
  send_buffer_bytes: { limit: MAX_BUFFER_BYTES, of: 'what waits for one connection', beyond: 'closed with 4529' },
  behind_ms: { limit: MAX_BEHIND_MS, of: 'how long a connection is behind', beyond: 'closed with 4529' },
  stream_buffer_bytes: {
    limit: MAX_STREAM_BUFFER_BYTES,
    of: 'what waits for one reader of /ws/events',
    beyond: 'closed with 4529',
  },
  awareness_state_bytes: { limit: MAX_AWARENESS_STATE_BYTES, of: 'one awareness state', beyond: 'passed over' },
  awareness_states_per_frame: {
    limit: MAX_AWARENESS_STATES,
    of: 'awareness states in one frame',
    beyond: 'closed with 4400',
  },
  awareness_ids_per_connection: {
    limit: MAX_CLAIMS_PER_PEER,
    of: 'client ids that one connection shows',
    beyond: 'passed over',
  },
  awareness_ids_per_room: { limit: MAX_CLAIMS_PER_ROOM, of: 'client ids shown in one room', beyond: 'passed over' },
  awareness_bytes_per_room: { limit: MAX_PRESENCE_BYTES, of: 'awareness states of one room', beyond: 'passed over' },
  awareness_tombstones: {
    limit: MAX_TOMBSTONES,
    of: 'client ids remembered that left a room',
    beyond: 'the oldest is forgotten',
  },
  reserved_ids_per_person: {
    limit: MAX_RESERVED_PER_PERSON,
    of: 'client ids that one person shows in one room before they write',
    beyond: 'the oldest is free again',
  },
  open_turns_per_person: {
    limit: MAX_OPEN_TURNS_PER_PERSON,
    of: 'turns that are not final of what one person asked',
    beyond: 'the turn fails at once; the message is saved',
  },
  events_replayed: { limit: MAX_REPLAY, of: 'events sent again to one reader', beyond: 'told `gap`' },
  events_kept: { limit: MAX_EVENTS_KEPT, of: 'events in the database', beyond: 'the oldest are deleted' },
} as const satisfies Record<string, Bound>;

export type BoundName = keyof typeof BOUNDS;
