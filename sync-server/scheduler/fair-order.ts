import type { TurnRecord } from '../../persistence/turns/turn-record.ts';

/** When each person, and each person's room, was given a slot last: a growing number, absent for never. */
export interface Served {
  readonly people: ReadonlyMap<string, number>;
  /** By `roomKey`. */
  readonly rooms: ReadonlyMap<string, number>;
}

export const roomKey = (turn: Pick<TurnRecord, 'askedBy' | 'sessionId'>): string => `${turn.askedBy} ${turn.sessionId}`;

interface Line {
  /** Slots that it has now, or would have by its place in the order so far. */
  load: number;
  readonly lastServed: number;
  readonly turns: TurnRecord[];
}

interface PersonLine extends Line {
  readonly rooms: Map<string, Line>;
}

/**
 * The order in which queued turns get slots: round robin between people, then between the rooms of one person, oldest
 * first within a room. Whoever has the fewest slots comes first, then whoever was served longest ago, then whoever
 * has waited longest; so nobody's ten questions hold up somebody else's one.
 * @param running turns that hold a slot now
 */
export function fairOrder(
  queued: readonly TurnRecord[],
  running: readonly TurnRecord[],
  served: Served,
): readonly TurnRecord[] {
  const people = new Map<string, PersonLine>();
  for (const turn of queued.toSorted((a, b) => a.seq - b.seq)) {
    const person = people.get(turn.askedBy) ?? {
      load: running.filter(({ askedBy }) => askedBy === turn.askedBy).length,
      lastServed: served.people.get(turn.askedBy) ?? 0,
      turns: [],
      rooms: new Map<string, Line>(),
    };
    people.set(turn.askedBy, person);
    const key = roomKey(turn);
    const room = person.rooms.get(key) ?? {
      load: running.filter((other) => roomKey(other) === key).length,
      lastServed: served.rooms.get(key) ?? 0,
      turns: [],
    };
    person.rooms.set(key, room);
    person.turns.push(turn);
    room.turns.push(turn);
  }
  return drawAll(people);
}

function drawAll(people: Map<string, PersonLine>): readonly TurnRecord[] {
  const order: TurnRecord[] = [];
  for (;;) {
    const person = first(people.values());
    const room = person && first(person.rooms.values());
    const turn = room?.turns.shift();
    if (!person || !room || !turn) return order;
    person.turns.splice(person.turns.indexOf(turn), 1);
    person.load += 1;
    room.load += 1;
    order.push(turn);
  }
}

function first<L extends Line>(lines: Iterable<L>): L | undefined {
  let best: L | undefined;
  for (const line of lines) {
    if (line.turns.length > 0 && (best === undefined || compareLines(line, best) < 0)) best = line;
  }
  return best;
}

const compareLines = (a: Line, b: Line): number =>
  a.load - b.load || a.lastServed - b.lastServed || (a.turns[0]?.seq ?? 0) - (b.turns[0]?.seq ?? 0);
