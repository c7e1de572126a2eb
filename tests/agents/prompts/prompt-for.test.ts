import { expect, test } from 'vitest';
import { type Prompt, promptFor } from '../../../agents/prompts/prompt-for.ts';
import { estimateMessageTokens } from '../../../agents/prompts/token-estimate.ts';
import { AGENTS, COUNCILS, seatAgentId } from '../../../sync-server/protocol/organisation.ts';
import { turnIdOf } from '../../../sync-server/protocol/turn.ts';
import type { Lease } from '../../../sync-server/protocol/worker-link.ts';
import { freshUlid, line, makeLease } from '../../support/leases.ts';

const setting = { contextTokens: 8_192, model: 'm', isRehearsal: false };
const systemOf = (prompt: Prompt): string => prompt.messages[0]?.content ?? '';
const lastOf = (prompt: Prompt): string => prompt.messages.at(-1)?.content ?? '';
const tokensOf = (prompt: Prompt): number =>
  prompt.messages.reduce((sum, { content }) => sum + estimateMessageTokens(content), 0);

function debateLease(over: Partial<Lease> = {}): Lease {
  return makeLease({
    scope: { type: 'council', id: 'finance' },
    debate: { council: 'finance', topic: 'Shall we buy the building?', preset: 'quick' },
    ...over,
  });
}

const position = (seat: string, body: string): Lease['material'][number] => {
  const agent = seatAgentId('finance', seat);
  return { id: turnIdOf('s', freshUlid(), agent, 'position'), agent, step: 'position', body };
};

test('each of the 49 is told its own name, and the 48 their role, department and expertise', () => {
  for (const agent of AGENTS) {
    const system = systemOf(promptFor(makeLease({ agent: agent.id }), setting));
    expect(system).toContain(`You are ${agent.name}, ${agent.title}`);
    if (agent.kind === 'department') for (const part of agent.expertise.split('; ')) expect(system).toContain(part);
  }
});

test('the question comes last, once, under the name of who asks', () => {
  const prompt = promptFor(makeLease(), setting);
  expect(lastOf(prompt)).toBe('Masoud: What should we do first?');
  expect(prompt.messages).toHaveLength(2);
});

test('asking again puts the same question last, once, and names both entries', () => {
  const asked = line({ body: 'Why?' });
  const again = freshUlid();
  const lease = makeLease({ cause: again, question: { authorName: 'Masoud', body: 'Why?' }, context: [line(), asked] });
  const prompt = promptFor(lease, setting);
  expect(prompt.messages.map(({ content }) => content).slice(1)).toEqual(['Masoud: Hello.', 'Masoud: Why?']);
  expect(prompt.entries).toEqual(expect.arrayContaining([asked.id, again]));
});

test('[AG7] whatever its parts, a prompt and its answer fit the window', () => {
  const long = 'many words in a row '.repeat(1_000);
  const context = Array.from({ length: 200 }, () => line({ body: long.slice(0, 3_000) }));
  const material = ['advisor_a', 'advisor_b', 'executor'].map((role) => ({
    ...position('oracle', long),
    agent: `finance/${role}`,
    step: 'note' as const,
  }));
  const question = { authorName: 'Masoud', body: long };
  const leases = [
    makeLease({ agent: 'finance/synth', question, context, material, leftOut: 7 }),
    makeLease({ agent: 'finance/executor', step: 'note', question, context, leftOut: 7 }),
    debateLease({
      agent: 'council/finance/chair',
      step: 'synthesis',
      context,
      material: [position('oracle', long), position('macro', long)],
    }),
    debateLease({
      agent: 'council/finance/quant',
      step: 'dissent',
      material: [position('oracle', long), position('macro', long)],
    }),
  ];
  for (const lease of leases) {
    const prompt = promptFor(lease, setting);
    expect(tokensOf(prompt) + prompt.maxAnswerTokens, lease.step).toBeLessThanOrEqual(setting.contextTokens);
  }
});

test('[AG7] what was left out is what the office left out and what did not fit', () => {
  const context = Array.from({ length: 200 }, () => line({ body: 'words '.repeat(200) }));
  const prompt = promptFor(makeLease({ context, leftOut: 7 }), setting);
  const inPrompt = prompt.messages.length - 2;
  expect(prompt.leftOut).toBe(7 + 200 - inPrompt);
});

test("[TU8] the Synthesizer gets its colleagues' notes as material, and who is missing", () => {
  const material = [{ ...position('oracle', 'Cut costs.'), agent: 'finance/advisor_a', step: 'note' as const }];
  const missing = [{ agent: 'finance/executor', reason: 'timeout' }];
  const prompt = promptFor(makeLease({ agent: 'finance/synth', material, missing }), setting);
  const notes = prompt.messages.at(-2)?.content ?? '';
  expect(notes).toContain('Penny Wise (Senior Advisor):\n> Cut costs.');
  expect(notes).toContain('Henry Capital (Action Executor): no note (timeout)');
  expect(systemOf(prompt)).toContain('Bring them together');
  expect(prompt.entries).toContain(material[0]?.id);
});

test('a note is short and has the five blocks', () => {
  const prompt = promptFor(makeLease({ agent: 'finance/executor', step: 'note' }), setting);
  expect(systemOf(prompt)).toMatch(/^Seat\nYou are Henry Capital, Action Executor/);
  for (const block of ['Frame', 'Record', 'Task', 'Form'])
    expect(lastOf(prompt)).toMatch(new RegExp(`^${block}$`, 'm'));
  expect(prompt.maxAnswerTokens).toBeLessThan(500);
});

test('[AG8] a position is blind: it holds the frame and nothing that anybody said', () => {
  for (const council of COUNCILS) {
    for (const seat of council.seats) {
      const lease = debateLease({
        agent: seatAgentId(council.id, seat.id),
        step: 'position',
        debate: { council: council.id, topic: 'Shall we?', preset: 'quick' },
        context: [line({ body: 'SECRET' })],
        material: [position('oracle', 'SECRET')],
      });
      const prompt = promptFor(lease, setting);
      expect(JSON.stringify(prompt.messages)).not.toContain('SECRET');
      expect(lastOf(prompt)).toContain('Question: Shall we?');
      expect(prompt.entries).toEqual([lease.cause]);
    }
  }
});

test('a scout is given the room and takes no position; positions are given what scouts found', () => {
  const scout = debateLease({ agent: 'council/finance/quant', step: 'note', context: [line({ body: 'Rents rose.' })] });
  const scouting = lastOf(promptFor(scout, setting));
  expect(scouting).toContain('Masoud: Rents rose.');
  expect(scouting).toContain('Take no position.');
  const note = { ...position('quant', 'The Quant knows: rents rose.'), step: 'note' as const };
  const prompt = promptFor(
    debateLease({ agent: 'council/finance/oracle', step: 'position', material: [note] }),
    setting,
  );
  expect(lastOf(prompt)).toContain('Scout 1\n> this seat knows: rents rose.');
  expect(prompt.entries).toContain(note.id);
});

test('a scout that failed and spoke later is not missing, and nobody is missing twice', () => {
  const material = ['oracle', 'macro'].map((seat) => position(seat, 'Yes.'));
  const missing = ['oracle', 'quant', 'quant'].map((seat) => ({
    agent: seatAgentId('finance', seat),
    reason: 'stopped',
  }));
  const lease = debateLease({ agent: 'council/finance/chair', step: 'synthesis', material, missing });
  expect(promptFor(lease, setting).header).toMatch(/^Partial council - 2 of 3 - missing: The Quant \(stopped\)\n/);
});

test('[AG8] the chair sees positions under letters, without names, in an order of the turn', () => {
  const material = [position('oracle', 'As The Oracle I say no.'), position('macro', 'As The Macro I say yes.')];
  const lease = debateLease({ agent: 'council/finance/chair', step: 'synthesis', material });
  const prompt = promptFor(lease, setting);
  expect(lastOf(prompt)).toContain('Position A\n> As this seat I say');
  expect(lastOf(prompt)).toContain('Position B\n> As this seat I say');
  expect(lastOf(prompt)).not.toMatch(/The (Oracle|Macro)/);
  expect(promptFor({ ...lease, material: material.toReversed() }, setting)).toMatchObject({
    messages: prompt.messages,
  });
});

test('the chair hears what people said since', () => {
  const material = [position('oracle', 'No.'), position('macro', 'Yes.')];
  const context = [line({ authorName: 'Lena', body: 'Mind the roof.' })];
  const lease = debateLease({ agent: 'council/finance/chair', step: 'synthesis', material, context });
  expect(lastOf(promptFor(lease, setting))).toContain('> Lena: Mind the roof.');
});

test('a partial council, a single model and a missing quorum are said above the text', () => {
  const seats = ['oracle', 'macro', 'venture'].map((seat) => position(seat, 'Yes.'));
  const missing = [
    { agent: 'council/finance/quant', reason: 'timeout' },
    { agent: 'council/finance/crypto', reason: 'failed' },
  ];
  const chair = { agent: 'council/finance/chair', step: 'synthesis' } as const;
  expect(promptFor(debateLease({ ...chair, material: seats, missing }), setting).header).toBe(
    'Partial council - 3 of 5 - missing: The Quant (timeout), The Crypto (failed)\n\nSingle model - every seat spoke through m',
  );
  expect(promptFor(debateLease({ ...chair, material: seats }), setting).header).toBe(
    'Single model - every seat spoke through m',
  );
  const lonely = promptFor(debateLease({ ...chair, material: seats.slice(0, 2), missing }), setting);
  expect(lonely.header).toMatch(/^Seat answers \(no council\) - 2 of 4 - missing: The Quant \(timeout\), The Crypto/);
  expect(lastOf(lonely)).not.toContain('Decision:');
});

test('the dissenter sees the synthesis and the positions', () => {
  const synthesis = { ...position('chair', 'Buy it [A1].'), step: 'synthesis' as const };
  const lease = debateLease({
    agent: 'council/finance/quant',
    step: 'dissent',
    material: [position('oracle', 'No.'), synthesis],
  });
  const prompt = promptFor(lease, setting);
  expect(lastOf(prompt)).toContain('> Buy it [A1].');
  expect(lastOf(prompt)).toContain('Position A\n> No.');
});

test('an agent that nobody knows is refused', () => {
  expect(() => promptFor(makeLease({ agent: 'nobody' }), setting)).toThrow('no such agent');
});
