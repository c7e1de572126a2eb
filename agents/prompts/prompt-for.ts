import { isEntryId } from '../../sync-server/protocol/ids.ts';
import { type Agent, agentOf } from '../../sync-server/protocol/organisation.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import type { ContextItem, Lease } from '../../sync-server/protocol/worker-link.ts';
import type { ChatMessage } from '../model/model-client.ts';
import { answerSystem, notesFor } from './answer.ts';
import { askedItem, type Excerpt, earlierItems, excerptOf } from './conversation.ts';
import { dissentMessages, positionMessages, scoutMessages, synthesisHeader, synthesisMessages } from './council.ts';
import { noteMessages } from './note.ts';
import { clipToTokens, estimateMessageTokens } from './token-estimate.ts';

/** What the model is sent for a lease, and what must be told about it afterwards. */
export interface Prompt {
  readonly messages: readonly ChatMessage[];
  /** Stands above the model's words in the reply; '' where nothing does. Said by us, never by the model. */
  readonly header: string;
  /** Ids of the entries that the messages hold. */
  readonly entries: readonly string[];
  /** Earlier items of the conversation that they don't hold. */
  readonly leftOut: number;
  /** The longest answer, in tokens; the messages leave room for it. */
  readonly maxAnswerTokens: number;
}

export interface PromptSetting {
  /** The model's window, in tokens. */
  readonly contextTokens: number;
  readonly model: string;
  readonly isRehearsal: boolean;
}

const ANSWER_TOKENS = 2_048;
const NOTE_TOKENS = 320;
const POSITION_TOKENS = 900;
const DISSENT_TOKENS = 500;

/** Of what the system prompt leaves, the question may take this share, ... */
const QUESTION_SHARE = 0.5;
/** ... and of what is then left, the material of earlier stages this one. */
const MATERIAL_SHARE = 0.7;

/** The prompt for a lease. Pure: the same lease and setting give the same prompt. Throws where nobody has the lease's agent id. */
export function promptFor(lease: Lease, setting: PromptSetting): Prompt {
  const agent = agentOf(lease.agent);
  if (!agent) throw new RangeError(`no such agent: ${lease.agent}`);
  switch (lease.step) {
    case 'answer':
      return answerPrompt(lease, agent, setting);
    case 'note':
      return notePrompt(lease, agent, setting);
    case 'position':
      return blockPrompt(lease, setting, POSITION_TOKENS, (room) => positionMessages(lease, agent, room));
    case 'synthesis':
      return synthesisPrompt(lease, agent, setting);
    case 'dissent':
      return blockPrompt(lease, setting, DISSENT_TOKENS, (room) => dissentMessages(lease, agent, room));
    default:
      return unreachable(lease.step);
  }
}

function answerPrompt(lease: Lease, agent: Agent, setting: PromptSetting): Prompt {
  const system = answerSystem(lease, agent);
  const room = setting.contextTokens - ANSWER_TOKENS - estimateMessageTokens(system);
  const body = clipToTokens(lease.question.body, Math.floor(room * QUESTION_SHARE));
  const question = `${lease.question.authorName}: ${body}`;
  const afterQuestion = room - estimateMessageTokens(question);
  const notes = notesFor(lease, Math.floor(afterQuestion * MATERIAL_SHARE));
  const maxTokens = afterQuestion - estimateMessageTokens(notes);
  const excerpt = excerptOf(earlierItems(lease), { agent: lease.agent, maxTokens, isRehearsal: setting.isRehearsal });
  return {
    messages: [
      { role: 'system', content: system },
      ...excerpt.messages,
      ...(notes === '' ? [] : [{ role: 'user' as const, content: notes }]),
      { role: 'user', content: question },
    ],
    header: '',
    ...seen(lease, excerpt),
    maxAnswerTokens: ANSWER_TOKENS,
  };
}

function notePrompt(lease: Lease, agent: Agent, setting: PromptSetting): Prompt {
  const isScout = agent.kind === 'council';
  const frame = isScout ? scoutMessages(lease, agent, '') : noteMessages(lease, agent, '', '');
  const room = roomBeside(frame, setting, NOTE_TOKENS);
  const question = clipToTokens(lease.question.body, Math.floor(room * QUESTION_SHARE));
  const maxTokens = room - estimateMessageTokens(question);
  const excerpt = excerptOf(earlierItems(lease), { agent: '', maxTokens, isRehearsal: setting.isRehearsal });
  const record = excerpt.messages.map(({ content }) => content).join('\n') || 'Nothing was said before.';
  return {
    messages: messagesOf(isScout ? scoutMessages(lease, agent, record) : noteMessages(lease, agent, question, record)),
    header: '',
    ...seen(lease, excerpt),
    maxAnswerTokens: NOTE_TOKENS,
  };
}

function synthesisPrompt(lease: Lease, agent: Agent, setting: PromptSetting): Prompt {
  const isRemark = (item: ContextItem): boolean => item.role === 'person' && item.id !== lease.cause;
  const room = roomBeside(synthesisMessages({ ...lease, material: [] }, agent, '', 0), setting, ANSWER_TOKENS);
  const positions = Math.floor(room * MATERIAL_SHARE);
  const remarks = excerptOf(lease.context.filter(isRemark), {
    agent: '',
    maxTokens: room - positions,
    isRehearsal: setting.isRehearsal,
  });
  const said = remarks.messages.map(({ content }) => content).join('\n');
  return {
    messages: messagesOf(synthesisMessages(lease, agent, said, positions)),
    header: synthesisHeader(lease, setting.model),
    ...seen(lease, remarks),
    maxAnswerTokens: ANSWER_TOKENS,
  };
}

/** A prompt that holds the frame and the material only: nothing of the conversation was meant to be in it. */
function blockPrompt(
  lease: Lease,
  setting: PromptSetting,
  maxAnswerTokens: number,
  write: (materialTokens: number) => { system: string; user: string },
): Prompt {
  const room = roomBeside(write(0), setting, maxAnswerTokens);
  const excerpt: Excerpt = { messages: [], entries: [], leftOut: 0 };
  // A position is blind: of what came earlier it is given what the scouts found.
  const material = lease.material.filter(({ step }) => lease.step !== 'position' || step === 'note');
  const { entries } = seen({ ...lease, material, leftOut: 0 }, excerpt);
  return { messages: messagesOf(write(room)), header: '', entries, leftOut: 0, maxAnswerTokens };
}

const roomBeside = (frame: { system: string; user: string }, setting: PromptSetting, answerTokens: number): number =>
  setting.contextTokens - answerTokens - estimateMessageTokens(frame.system) - estimateMessageTokens(frame.user);

const messagesOf = ({ system, user }: { system: string; user: string }): ChatMessage[] => [
  { role: 'system', content: system },
  { role: 'user', content: user },
];

/** The material of earlier stages, the conversation, and what asks: in the order in which they were said. */
function seen(lease: Lease, excerpt: Excerpt): { entries: readonly string[]; leftOut: number } {
  const asked = askedItem(lease)?.id;
  const ids = [...excerpt.entries, ...(asked ? [asked] : []), lease.cause, ...lease.material.map(({ id }) => id)];
  return { entries: [...new Set(ids)].filter(isEntryId), leftOut: lease.leftOut + excerpt.leftOut };
}
