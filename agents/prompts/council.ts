/**
 * Prompts of a debate. Positions are blind: a seat is given the frame and the scouts' notes, nothing that others think. The chair and the
 * dissenter see positions under letters, in an order that the turn decides, with the seats' names taken out.
 */
import type { Preset } from '../../sync-server/protocol/entry.ts';
import { deriveId } from '../../sync-server/protocol/ids.ts';
import { type Agent, agentOf, COUNCILS, councilOf } from '../../sync-server/protocol/organisation.ts';
import type { Lease } from '../../sync-server/protocol/worker-link.ts';
import { blockMessages, quoted } from './blocks.ts';
import { personaOf } from './personas.ts';
import { clipToTokens } from './token-estimate.ts';

const SPEAK_FIRST = 'What the other seats think is kept from you, so that nobody leans on anybody.';
const LABELS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** A council needs more than half of its seats, and at least this many. */
const MIN_QUORUM = 2;

type Material = Lease['material'][number];

/** A position as the chair sees it. */
interface LabelledPosition {
  readonly label: string;
  readonly body: string;
}

/** The prompt of a scout, who looks for facts before the positions. `record`: what was said in the room. */
export function scoutMessages(lease: Lease, agent: Agent, record: string): { system: string; user: string } {
  return blockMessages({
    seat: personaOf(agent),
    frame: frameOf(lease),
    record,
    task: 'Scout for the council: list the facts that are at hand in the record and those that everybody in your field knows, then what is missing. Take no position.',
    form: [
      'Facts: up to six, each with where it is from.',
      'Missing: up to four; "not known here" is an answer. Invent nothing.',
      'At most 120 words, in the language of the question. Never name yourself or your seat.',
    ].join('\n'),
  });
}

export function positionMessages(lease: Lease, agent: Agent, maxTokens: number): { system: string; user: string } {
  return blockMessages({
    seat: personaOf(agent),
    frame: frameOf(lease),
    record: [...scoutedFacts(lease, maxTokens), SPEAK_FIRST].join('\n\n'),
    task: 'State your position on the question, from your seat alone. Check it once against the strongest objection before you write.',
    form: [
      'Stance: one sentence.',
      'Claims: three to six, numbered 1, 2, 3; each with its evidence, or the word "assumption".',
      'Biggest risk: one sentence.',
      'What would change my mind: one sentence.',
      'Confidence: low, medium or high.',
      `${wordsOf(lease.debate?.preset)} In the language of the question. Never name yourself or your seat.`,
    ].join('\n'),
  });
}

/** `remarks`: what people said in the room meanwhile. */
export function synthesisMessages(
  lease: Lease,
  agent: Agent,
  remarks: string,
  maxTokens: number,
): { system: string; user: string } {
  const positions = labelledPositions(lease, maxTokens);
  return blockMessages({
    seat: personaOf(agent),
    frame: frameOf(lease),
    record: recordOf(positions, remarks, missingSentence(lease)),
    task: hasQuorum(lease)
      ? 'State what the council decides on the question, from the positions alone: weigh the reasons, not how many share them or how well they are written.'
      : "Too few seats spoke for a decision. Summarise what was said and what is still open; don't decide.",
    form: [
      ...(hasQuorum(lease) ? ['Decision: one or two sentences.'] : []),
      'Why: the reasons that carry it.',
      'Conditions: what must hold.',
      'Caveats: the gravest objections that remain.',
      'Open questions: what nobody could answer.',
      'Every sentence cites the claims that it rests on, like [A2] or [B1, C3]. Name positions by their letters only.',
      `${wordsOf(lease.debate?.preset)} In the language of the question.`,
    ].join('\n'),
  });
}

export function dissentMessages(lease: Lease, agent: Agent, maxTokens: number): { system: string; user: string } {
  const synthesis = lease.material.find(({ step }) => step === 'synthesis');
  const half = Math.floor(maxTokens / 2);
  const decision = synthesis
    ? `The synthesis:\n${quoted(clipToTokens(withoutNames(synthesis.body), half))}`
    : 'There is no synthesis.';
  return blockMessages({
    seat: personaOf(agent),
    frame: frameOf(lease),
    record: recordOf(labelledPositions(lease, half), '', decision),
    task: 'You are the Challenger of this debate. Speak against the decision as strongly as honesty allows. If nobody opposed it, assume that it failed a year from now, and say why.',
    form: [
      'What the majority gets wrong: two or three sentences that cite claims like [A2].',
      'When the minority is right: the circumstances.',
      'Tripwire: one sign to watch that would show it early.',
      'At most 150 words, in the language of the question.',
    ].join('\n'),
  });
}

/**
 * What stands above a chair's synthesis, said by code and not by a model: how complete the council was, and that one
 * model spoke for all. Lines without Markdown, the first of them about the seats if any is missing.
 */
export function synthesisHeader(lease: Lease, model: string): string {
  const { spoke, missing } = attendanceOf(lease);
  const absent = missing.map(({ agent, reason }) => `${agentOf(agent)?.name ?? agent} (${reason})`).join(', ');
  const count = `${spoke} of ${spoke + missing.length}${absent === '' ? '' : ` - missing: ${absent}`}`;
  return [
    ...(hasQuorum(lease) ? [] : [`Seat answers (no council) - ${count}`]),
    ...(hasQuorum(lease) && absent !== '' ? [`Partial council - ${count}`] : []),
    `Single model - every seat spoke through ${model}`,
  ].join('\n\n');
}

/** Positions under letters, with their names taken out; the same turn gives the same order. */
function labelledPositions(lease: Lease, maxTokens: number): readonly LabelledPosition[] {
  const positions = positionsOf(lease);
  const share = Math.floor(maxTokens / Math.max(1, positions.length));
  const shuffled = positions
    .map((position) => ({ position, rank: deriveId('order', lease.turn, position.id) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1));
  return shuffled.map(({ position }, index) => ({
    label: LABELS[index] ?? `P${index + 1}`,
    body: clipToTokens(withoutNames(position.body), share),
  }));
}

const positionsOf = (lease: Lease): readonly Material[] => lease.material.filter(({ step }) => step === 'position');

/** How many seats gave a position, and which didn't, each once: a scout that failed may have spoken all the same. */
function attendanceOf(lease: Lease): { spoke: number; missing: Lease['missing'] } {
  const spoke = new Set(positionsOf(lease).map(({ agent }) => agent));
  const missing = new Map(lease.missing.filter(({ agent }) => !spoke.has(agent)).map((each) => [each.agent, each]));
  return { spoke: spoke.size, missing: [...missing.values()] };
}

function hasQuorum(lease: Lease): boolean {
  const { spoke, missing } = attendanceOf(lease);
  return spoke >= MIN_QUORUM && spoke > missing.length;
}

function scoutedFacts(lease: Lease, maxTokens: number): readonly string[] {
  const notes = lease.material.filter(({ step }) => step === 'note');
  const share = Math.floor(maxTokens / Math.max(1, notes.length));
  return notes.map(({ body }, index) => `Scout ${index + 1}\n${quoted(clipToTokens(withoutNames(body), share))}`);
}

function frameOf(lease: Lease): string {
  const topic = lease.debate?.topic ?? lease.question.body;
  const council = councilOf(lease.debate?.council ?? lease.scope.id ?? '');
  return [`${council?.name ?? 'A council'}: ${council?.about ?? ''}`, `Question: ${topic}`].join('\n');
}

function recordOf(positions: readonly LabelledPosition[], remarks: string, closing: string): string {
  const said = positions.map(({ label, body }) => `Position ${label}\n${quoted(body)}`);
  const people = remarks === '' ? [] : [`What people in the room said:\n${quoted(remarks)}`];
  return [...said, ...people, ...(closing === '' ? [] : [closing])].join('\n\n');
}

function missingSentence(lease: Lease): string {
  const { missing } = attendanceOf(lease);
  return missing.length === 0 ? '' : `${missing.length} of the seats gave no position.`;
}

function wordsOf(preset: Preset | undefined): string {
  return preset === 'standard' ? 'At most 300 words.' : 'At most 180 words.';
}

const ALL_SEATS = COUNCILS.flatMap(({ seats }) => seats.map(({ name }) => name));
const SEAT_NAMES = new RegExp(`\\b(?:${[...new Set(ALL_SEATS)].join('|')})\\b`, 'g');

/** Names of seats give away who speaks, and with it whom to follow. */
const withoutNames = (text: string): string => text.replace(SEAT_NAMES, 'this seat');
