/**
 * Who answers. An entry that asks for something gives the turns to be worked on; the same entry always gives the same
 * turns (their ids derive from it), so deriving twice changes nothing.
 *
 *     executive   -> Daena
 *     department  -> those mentioned; otherwise five notes (stage 1), then the spokesperson's answer (stage 2)
 *     agent       -> that agent
 *     general     -> those mentioned (a department: its spokesperson); otherwise Daena, while one person writes alone
 *     council     -> nobody: a message is material for the next phase; a debate brings its own phases
 *     ask again   -> the same agent and step once more
 *
 * What an agent says asks for nothing, and neither does an edit.
 */
import type { Entry, PersonEntry, Step } from './entry.ts';
import type { DerivedId } from './ids.ts';
import { agentOf, councilOf, departmentOf, ROLES, SPOKESPERSON, seatAgentId, VICE_PRESIDENT } from './organisation.ts';
import type { Scope } from './scope.ts';
import { turnIdOf } from './turn.ts';
import { unreachable } from './unreachable.ts';

/** Agents that one message can ask; those mentioned after them are left out. */
export const MAX_ANSWERERS = 8;
/** Seats that look for facts before the positions of a standard debate: the last ones, as the first is the Challenger. */
const SCOUTS = 2;

/** A turn that an entry asks for. Turns of one cause share `group`; stages count from 1 and run one after another. */
export interface TurnDraft {
  readonly turn: DerivedId;
  readonly cause: string;
  readonly agent: string;
  readonly step: Step;
  readonly stage: number;
  readonly group: string;
}

/** What of a session decides who answers in it. */
export interface AskedSession {
  readonly id: string;
  readonly scope: Scope;
  readonly isBinned: boolean;
  /** How many people have written in the session, the author of the entry included. */
  readonly writers: number;
}

type Message = Extract<PersonEntry, { kind: 'message' }>;
type Debate = Extract<PersonEntry, { kind: 'debate' }>;
type Part = readonly [agent: string, step: Step, stage: number];

/**
 * The turns that an entry asks for, in the order in which they are to be worked on; none for most entries.
 * @param lookup the session's entry of an id, if there is one
 */
export function deriveTurns(
  entry: Entry,
  session: AskedSession,
  lookup: (id: string) => Entry | null | undefined,
): readonly TurnDraft[] {
  if (session.isBinned) return [];
  return partsFor(entry, session, lookup).map(([agent, step, stage]) => ({
    turn: turnIdOf(session.id, entry.id, agent, step),
    cause: entry.id,
    agent,
    step,
    stage,
    group: entry.id,
  }));
}

function partsFor(
  entry: Entry,
  session: AskedSession,
  lookup: (id: string) => Entry | null | undefined,
): readonly Part[] {
  switch (entry.kind) {
    case 'message':
      return answersTo(entry, session, lookup);
    case 'debate':
      return debatePhases(entry, session.scope);
    case 'again': {
      const target = lookup(entry.target);
      return target?.kind === 'reply' && agentOf(target.author) ? [[target.author, target.step, 1]] : [];
    }
    case 'edit':
    case 'retract':
    case 'react':
    case 'title':
    case 'stop':
    case 'synthesize':
    case 'created':
    case 'binned':
    case 'restored':
    case 'notice':
    case 'sealed':
    case 'arrived':
    case 'reply':
      return [];
    default:
      return unreachable(entry);
  }
}

function answersTo(
  message: Message,
  session: AskedSession,
  lookup: (id: string) => Entry | null | undefined,
): readonly Part[] {
  const { scope } = session;
  switch (scope.type) {
    case 'executive':
      return [[VICE_PRESIDENT.id, 'answer', 1]];
    case 'agent':
      return scope.id && agentOf(scope.id) ? [[scope.id, 'answer', 1]] : [];
    case 'department': {
      const asked = isForWholeDepartment(message, scope.id) ? [] : mentionedAgents(message, lookup);
      return asked.length > 0 ? asked.map((agent) => [agent, 'answer', 1]) : departmentFlow(scope.id);
    }
    case 'general': {
      const asked = mentionedAgents(message, lookup);
      if (asked.length > 0) return asked.map((agent) => [agent, 'answer', 1]);
      return session.writers <= 1 ? [[VICE_PRESIDENT.id, 'answer', 1]] : [];
    }
    case 'council':
      return [];
    default:
      return unreachable(scope.type);
  }
}

const isForWholeDepartment = (message: Message, slug: string | null): boolean =>
  message.mentions.some(({ type, id }) => type === 'all' || (type === 'department' && id === slug));

/**
 * The agents that a message addresses, each once, at most `MAX_ANSWERERS`: those mentioned, a mentioned department's
 * spokesperson, and whom it replies to.
 */
function mentionedAgents(message: Message, lookup: (id: string) => Entry | null | undefined): readonly string[] {
  const asked = new Set<string>();
  for (const mention of message.mentions) {
    if (mention.type === 'agent' && isAddressable(mention.id)) asked.add(mention.id);
    if (mention.type === 'department' && departmentOf(mention.id)) asked.add(`${mention.id}/${SPOKESPERSON}`);
  }
  const repliedTo = message.replyTo === undefined ? undefined : lookup(message.replyTo);
  if (repliedTo?.kind === 'reply' && isAddressable(repliedTo.author)) asked.add(repliedTo.author);
  return [...asked].slice(0, MAX_ANSWERERS);
}

const isAddressable = (id: string): boolean => {
  const agent = agentOf(id);
  return agent !== undefined && agent.kind !== 'council';
};

function departmentFlow(slug: string | null): readonly Part[] {
  if (slug === null || !departmentOf(slug)) return [];
  const notes = ROLES.filter((role) => role.key !== SPOKESPERSON).map(
    (role): Part => [`${slug}/${role.key}`, 'note', 1],
  );
  return [...notes, [`${slug}/${SPOKESPERSON}`, 'answer', 2]];
}

/** Quick: positions, synthesis, dissent. Standard: two seats look for facts first. Nothing outside a council. */
function debatePhases(debate: Debate, scope: Scope): readonly Part[] {
  const council = scope.type === 'council' && scope.id ? councilOf(scope.id) : undefined;
  if (!council) return [];
  const seats = [...new Set(debate.seats)].filter((seat) => council.seats.some(({ id }) => id === seat));
  const challenger = seats[0];
  if (challenger === undefined || seats.length < 2) return [];
  const seated = (phase: readonly string[], step: Step, stage: number) =>
    phase.map((seat): Part => [seatAgentId(council.id, seat), step, stage]);
  const scouting = debate.preset === 'standard' ? seated(seats.slice(-SCOUTS), 'note', 1) : [];
  const first = scouting.length > 0 ? 2 : 1;
  return [
    ...scouting,
    ...seated(seats, 'position', first),
    ...seated(['chair'], 'synthesis', first + 1),
    ...seated([challenger], 'dissent', first + 2),
  ];
}
