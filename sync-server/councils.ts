/** Debates: who sits, how one starts and ends early, and how one stands. The phases themselves are turns. */
import type { CouncilStore } from '../persistence/councils/council-store.ts';
import type { SessionRecord } from '../persistence/projection/session-record.ts';
import type { SessionStore } from '../persistence/projection/session-store.ts';
import type { RouteRequest, RouteResponse } from './protocol/api.ts';
import type { PersonEntry } from './protocol/entry.ts';
import { OfficeError } from './protocol/errors.ts';
import type { Council } from './protocol/organisation.ts';
import type { Person } from './protocol/principal.ts';
import { isFinal, type TurnView } from './protocol/turn.ts';
import type { Scheduler } from './scheduler/scheduler.ts';
import type { Sessions } from './sessions.ts';

type DebateEntry = Extract<PersonEntry, { kind: 'debate' }>;

/** The fewest seats that make a council. */
const MIN_SEATS = 2;
/** Newest entries of a session in which its debate is looked for. */
const LOOK_BACK_ENTRIES = 1_000;
/** Messages that a debate's state carries. */
const MAX_MESSAGES = 200;

export interface CouncilsParts {
  readonly sessions: Sessions;
  readonly store: SessionStore;
  readonly switches: CouncilStore;
  readonly scheduler: Scheduler;
}

export class Councils {
  readonly #parts: CouncilsParts;

  constructor(parts: CouncilsParts) {
    this.#parts = parts;
  }

  /** Starts a debate with the seats that are switched on; answers its session. Rejects with `conflict` where one is running. */
  async startDebate(person: Person, council: Council, request: RouteRequest<'startDebate'>['body']): Promise<string> {
    const { sessions, switches } = this.#parts;
    if (!switches.isCouncilEnabled(council.id))
      throw new OfficeError('conflict', `the ${council.name} is switched off`);
    const seats = council.seats.map(({ id }) => id).filter((id) => switches.isSeatEnabled(council.id, id));
    if (seats.length < MIN_SEATS)
      throw new OfficeError('conflict', `the ${council.name} needs at least ${MIN_SEATS} seats`);
    const session = request.session_id
      ? this.requireSession(person, council, request.session_id).id
      : (await sessions.start(person, { scope_type: 'council', scope_id: council.id, title: titleOf(request.topic) }))
          .session_id;
    if (this.#parts.scheduler.views(session).length > 0) {
      throw new OfficeError('conflict', 'a debate is running here');
    }
    await sessions.append(person, session, (at) => ({
      id: sessions.newId(),
      kind: 'debate',
      author: person.id,
      at,
      topic: request.topic,
      preset: request.preset,
      seats,
    }));
    return session;
  }

  /** Ends the running phase. Rejects with `conflict` where nothing runs. */
  async synthesize(person: Person, council: Council, sessionId: string): Promise<void> {
    const { sessions } = this.#parts;
    const session = this.requireSession(person, council, sessionId);
    sessions.require(person, session.id, 'direct');
    const debate = this.#newestDebate(session.id);
    const isRunning = debate && this.#turnsOf(debate).some((turn) => !isFinal(turn.state));
    if (!debate || !isRunning) throw new OfficeError('conflict', 'no debate is running here');
    await sessions.append(person, session.id, (at) => ({
      id: sessions.newId(),
      kind: 'synthesize',
      author: person.id,
      at,
      debate: debate.id,
    }));
  }

  /** How the session's newest debate stands. */
  debate(person: Person, council: Council, sessionId: string): RouteResponse<'debate'> {
    const { store } = this.#parts;
    const session = this.requireSession(person, council, sessionId);
    const { messages } = store.messages(session.id, { limit: MAX_MESSAGES });
    const debate = this.#newestDebate(session.id);
    const turns = debate ? this.#turnsOf(debate) : [];
    const synthesis = messages.findLast((message) => message.step === 'synthesis' && message.cause === debate?.id);
    return {
      session_id: session.id,
      council_id: council.id,
      debate_id: debate?.id ?? null,
      topic: debate?.topic ?? null,
      preset: debate?.preset ?? null,
      state: stateOf(turns),
      turns: [...turns],
      messages,
      synthesis: synthesis?.outcome === 'done' ? synthesis.content : null,
    };
  }

  /** The session, if it is this council's and the person may read it. */
  requireSession(person: Person, council: Council, sessionId: string): SessionRecord {
    const session = this.#parts.sessions.require(person, sessionId, 'read');
    if (session.scope.type !== 'council' || session.scope.id !== council.id) {
      throw new OfficeError('unknown', `no such session of the ${council.name}`);
    }
    return session;
  }

  #newestDebate(sessionId: string): DebateEntry | null {
    const entries = this.#parts.store.entries(sessionId, { newest: LOOK_BACK_ENTRIES });
    return entries.findLast((entry) => entry.kind === 'debate') ?? null;
  }

  #turnsOf(debate: DebateEntry): readonly TurnView[] {
    return this.#parts.scheduler.viewsOfGroup(debate.id);
  }
}

function stateOf(turns: readonly TurnView[]): RouteResponse<'debate'>['state'] {
  if (turns.length === 0) return 'none';
  if (turns.some((turn) => !isFinal(turn.state))) return 'running';
  const synthesis = turns.find((turn) => turn.step === 'synthesis')?.state;
  return synthesis === 'done' || synthesis === 'stopped' ? synthesis : 'failed';
}

const titleOf = (topic: string): string => {
  const line = topic.replace(/\s+/g, ' ').trim();
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`;
};
