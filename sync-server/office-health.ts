import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Quarantine } from '../persistence/quarantine/quarantine.ts';
import { BOUNDS, type Bound, type BoundName } from './bounds.ts';
import type { Divergences } from './divergence.ts';
import type { Projector } from './projector.ts';
import type { RouteResponse } from './protocol/api.ts';
import type { Room } from './room/room.ts';
import type { Rooms } from './room/rooms.ts';
import type { Scheduler } from './scheduler/scheduler.ts';
import type { EventStreams } from './sockets/event-streams.ts';
import type { HeldSockets } from './sockets/held-sockets.ts';
import { COUNTED, type Counted, type Tally } from './tally.ts';

export interface HealthParts {
  readonly version: string;
  readonly rooms: Rooms;
  readonly projector: Projector;
  readonly scheduler: Scheduler;
  readonly streams: EventStreams;
  readonly held: HeldSockets;
  readonly tally: Tally;
  /** Open turns of the person who has the most. */
  openTurns(): number;
  readonly quarantine: Quarantine;
  readonly divergences: Divergences;
}

type Health = RouteResponse<'health'>;
type Part = Health['parts'][string];

/** How each part of the office is, and its figures. */
export class OfficeHealth {
  readonly #parts: HealthParts;
  readonly #registry = new Registry();
  #isReady = false;

  constructor(parts: HealthParts) {
    this.#parts = parts;
    collectDefaultMetrics({ register: this.#registry });
    this.#gauge('daena_rooms_open', 'Rooms in memory', () => parts.rooms.count);
    this.#gauge('daena_sockets_open', 'WebSockets of every kind', () => parts.held.count);
    this.#gauge('daena_event_streams_open', 'Readers of /ws/events', () => parts.streams.count);
    this.#gauge(
      'daena_projection_backlog',
      'Committed changes that wait for their projection',
      () => parts.projector.backlog,
    );
    this.#gauge('daena_storage_refusing', '1 while the disk refuses changes', () =>
      parts.rooms.storageFailure ? 1 : 0,
    );
    this.#gauge('daena_peers_behind', 'Connections that get no changes one by one: they read too slowly', () =>
      [...parts.rooms.loaded()].reduce((sum, room) => sum + room.behindCount, 0),
    );
    this.#showBounds();
    this.#showCounts();
    this.#gauge(
      'daena_quarantined_updates',
      'Changes that are kept aside because they could not be applied',
      () => parts.quarantine.count,
    );
    new Counter({
      name: 'daena_divergences_total',
      help: 'Segments whose room or projection said something else than their log',
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(parts.divergences.count);
      },
    });
  }

  /** Whether the office takes work: it has caught up and is not stopping. */
  get isReady(): boolean {
    return this.#isReady;
  }

  set isReady(value: boolean) {
    this.#isReady = value;
  }

  read(): Health {
    const { rooms, projector, scheduler, quarantine, version } = this.#parts;
    const brain = scheduler.brainStatus();
    const setAside = quarantine.count > 0 ? `, ${quarantine.count} in quarantine` : '';
    const parts: Record<string, Part> = {
      sync: { status: 'ok', detail: `${rooms.count} rooms open${setAside}` },
      storage: rooms.storageFailure ? { status: 'down', detail: rooms.storageFailure } : { status: 'ok' },
      projection: projector.failure ? { status: 'degraded', detail: projector.failure } : { status: 'ok' },
      agents: brain.connected
        ? { status: 'ok', detail: brain.active_model ?? undefined }
        : { status: 'down', detail: brain.error },
    };
    const isOk = Object.values(parts).every(({ status }) => status === 'ok');
    return { status: isOk ? 'ok' : 'degraded', version, uptime_seconds: process.uptime(), parts };
  }

  /** Prometheus' text format. */
  metrics(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Each bound, and how much of it is used by what uses most of it, where that can be told. */
  #showBounds(): void {
    const registers = [this.#registry];
    const limits = Object.entries<Bound>(BOUNDS);
    const uses = Object.entries(usesOf(this.#parts));
    new Gauge({
      name: 'daena_bound',
      help: 'How far something may grow',
      labelNames: ['bound', 'of', 'beyond'],
      registers,
      collect() {
        for (const [bound, { limit, of, beyond }] of limits) this.set({ bound, of, beyond }, limit);
      },
    });
    new Gauge({
      name: 'daena_bound_use',
      help: 'How far it has grown, where it has grown most',
      labelNames: ['bound'],
      registers,
      collect() {
        for (const [bound, use] of uses) this.set({ bound }, use());
      },
    });
  }

  #showCounts(): void {
    const registers = [this.#registry];
    const { tally, held } = this.#parts;
    for (const [what, help] of Object.entries(COUNTED)) {
      new Counter({
        name: `daena_${what}_total`,
        help,
        registers,
        collect() {
          this.reset();
          // reason: the keys of COUNTED are what can be counted
          this.inc(tally.of(what as Counted));
        },
      });
    }
    new Counter({
      name: 'daena_sockets_closed_total',
      help: 'WebSockets that closed, by the code that ended them',
      labelNames: ['code'],
      registers,
      collect() {
        this.reset();
        for (const [code, count] of held.closes) this.inc({ code }, count);
      },
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}

function usesOf({ rooms, held, projector, openTurns }: HealthParts): Partial<Record<BoundName, () => number>> {
  const most = (of: (room: Room) => number) => () => Math.max(0, ...[...rooms.loaded()].map(of));
  return {
    open_rooms: () => rooms.count,
    uncommitted_changes: most((room) => room.uncommitted),
    uncommitted_bytes: most((room) => room.uncommittedBytes),
    brief_bytes: most((room) => room.briefBytes),
    awareness_ids_per_room: most((room) => room.presentCount),
    projection_backlog: () => projector.backlog,
    sockets_per_person: () => held.mostOfOnePerson,
    send_buffer_bytes: () => held.mostUnsentBytes,
    open_turns_per_person: openTurns,
  };
}
