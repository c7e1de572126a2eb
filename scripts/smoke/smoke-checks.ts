import { randomBytes } from 'node:crypto';
import type { RouteInput } from '../../sync-server/protocol/api.ts';
import { makeUlid, ULID_RANDOM_BYTES } from '../../sync-server/protocol/ids.ts';
import { DEPARTMENTS } from '../../sync-server/protocol/organisation.ts';
import { readEntries, writeEntry } from '../../sync-server/protocol/segment.ts';
import type { WireMessage } from '../../sync-server/protocol/wire.ts';
import { askControlPort } from '../launcher/control-port.ts';
import type { Holder } from '../launcher/one-instance-lock.ts';
import { type Check, expect, until } from './checks.ts';
import type { OfficeClient } from './office-client.ts';

export interface SmokeParts {
  readonly client: OfficeClient;
  /** The launcher that runs the office. */
  readonly holder: Holder;
  /** Whom the client acts as. */
  readonly personId: string;
}

type Scope = Pick<RouteInput<'startChat'>['body'], 'scope_type' | 'scope_id'>;

const SCOPES: readonly Scope[] = [
  { scope_type: 'executive' },
  { scope_type: 'department', scope_id: 'finance' },
  { scope_type: 'agent', scope_id: 'engineering/synth' },
  { scope_type: 'general' },
];
const CONTROL_TIMEOUT_MS = 5_000;

/** Everything that a working office must do, in the order in which it makes sense to look. */
export function smokeChecks(parts: SmokeParts): readonly Check[] {
  const { client } = parts;
  const said: { sessionId: string; messageId: string; content: string }[] = [];
  return [
    { name: 'a model answers', run: () => checkBrain(client) },
    { name: 'health', run: () => checkHealth(client) },
    { name: 'starting a chat', run: () => checkStart(client) },
    ...SCOPES.map(
      (scope): Check => ({
        name: `an answer in ${scope.scope_type}${scope.scope_id ? ` ${scope.scope_id}` : ''}`,
        run: async (signal) => {
          const { question, answer } = await ask(client, scope, signal);
          said.push(
            ...[question, answer].map(({ session_id, message_id, content }) => ({
              sessionId: session_id,
              messageId: message_id,
              content,
            })),
          );
          return `${answer.author_name} answered${answer.is_rehearsed ? ' (rehearsed)' : ''}`;
        },
      }),
    ),
    { name: 'two clients see it live', run: (signal) => checkTwoClients(parts, signal) },
    { name: 'the Departments view', run: () => checkDepartments(client) },
    { name: "a council's debate", run: (signal) => checkDebate(client, signal) },
    { name: 'events replay', run: (signal) => checkReplay(client, signal) },
    {
      name: 'still there after a restart of the server',
      run: async (signal) => {
        await restartServer(parts, signal);
        for (const { sessionId, messageId, content } of said) {
          const { messages } = await client.call('messages', { params: { id: sessionId } });
          const found = messages.find((message) => message.message_id === messageId);
          expect(found?.content === content, `message ${messageId} is not as it was`);
        }
        return `${said.length} messages as they were`;
      },
    },
  ];
}

async function checkBrain(client: OfficeClient): Promise<string> {
  const brain = await client.call('brainStatus', {});
  expect(brain.connected && brain.llm_available, brain.error ?? 'no model answers');
  return `${brain.active_model} (${brain.provider})`;
}

async function checkHealth(client: OfficeClient): Promise<string> {
  const health = await client.call('health', {});
  const unwell = Object.entries(health.parts).filter(([, part]) => part.status !== 'ok');
  expect(unwell.length === 0, unwell.map(([name, part]) => `${name}: ${part.detail ?? part.status}`).join('; '));
  return Object.keys(health.parts).join(', ');
}

async function checkStart(client: OfficeClient): Promise<string> {
  const sessionId = makeUlid(Date.now(), randomBytes(ULID_RANDOM_BYTES));
  const first = await client.start({ scope_type: 'general', session_id: sessionId });
  const again = await client.call('startChat', {
    body: { scope_type: 'general', session_id: sessionId, title: 'Smoke test' },
  });
  expect(first.session_id === sessionId && again.session_id === sessionId, 'another id came back than was given');
  expect(first.session.documents.live === `session/${sessionId}/1`, 'the live document has another name');
  return 'made once, however often it is asked for';
}

async function ask(
  client: OfficeClient,
  scope: Scope,
  signal: AbortSignal,
): Promise<{ question: WireMessage; answer: WireMessage }> {
  const { session_id: id } = await client.start(scope);
  const { message } = await client.call('postMessage', {
    params: { id },
    body: { content: 'What should we look at first today?' },
  });
  const answer = await until(signal, async () => {
    const { messages } = await client.call('messages', { params: { id } });
    return messages.find((each) => each.step === 'answer') ?? null;
  });
  expect(answer.outcome === 'done', `the answer ended as ${answer.outcome}: ${answer.content}`);
  expect(answer.content.trim() !== '', 'the answer is empty');
  return { question: message, answer };
}

async function checkTwoClients({ client, personId }: SmokeParts, signal: AbortSignal): Promise<string> {
  const { session } = await client.start({ scope_type: 'council', scope_id: 'tech' });
  const [writer, reader] = [client.join(session.documents.live), client.join(session.documents.live)];
  try {
    await until(signal, async () => (writer.isSynced && reader.isSynced ? true : null));
    const id = makeUlid(Date.now(), randomBytes(ULID_RANDOM_BYTES));
    writeEntry(writer.doc, {
      id,
      kind: 'message',
      author: personId,
      at: Date.now(),
      body: 'Do you see this?',
      mentions: [],
    });
    await until(signal, async () => (readEntries(reader.doc).some((entry) => entry.id === id) ? true : null));
    await until(signal, async () => (writer.isSaved ? true : null));
    return 'written by one, read by the other, and durable';
  } finally {
    writer.leave();
    reader.leave();
  }
}

async function checkDepartments(client: OfficeClient): Promise<string> {
  const made = new Map<string, string>();
  for (const { slug } of DEPARTMENTS) {
    made.set(slug, (await client.start({ scope_type: 'department', scope_id: slug })).session_id);
  }
  const { sessions } = await client.call('sessions', { query: { category: 'departments', limit: 200 } });
  for (const [slug, id] of made) {
    expect(
      sessions.some((session) => session.session_id === id),
      `the new session of ${slug} is not in the view`,
    );
    const own = await client.call('departmentSessions', { params: { slug }, query: { limit: 200 } });
    expect(
      own.sessions.some((session) => session.session_id === id),
      `${slug}'s own list lacks its new session`,
    );
  }
  return `a session of each of ${made.size} departments, in both views`;
}

async function checkDebate(client: OfficeClient, signal: AbortSignal): Promise<string> {
  const stream = client.listen(null);
  try {
    await stream.opened;
    const started = await client.call('startDebate', {
      params: { id: 'strategy' },
      body: { topic: 'Should we grow by hiring?' },
    });
    client.made(started.session_id);
    const debate = await until(signal, async () => {
      const now = await client.call('debate', { params: { id: 'strategy', sid: started.session_id } });
      return now.state === 'running' ? null : now;
    });
    expect(debate.state === 'done' && debate.synthesis, `the debate ended as ${debate.state}`);
    for (const type of ['council.debate.started', 'council.debate.message', 'council.debate.synthesized']) {
      await until(signal, async () => (stream.events.some((event) => event.event_type === type) ? true : null));
    }
    return `${debate.messages.filter(({ step }) => step === 'position').length} positions and a synthesis`;
  } finally {
    stream.close();
  }
}

async function checkReplay(client: OfficeClient, signal: AbortSignal): Promise<string> {
  const { events } = await client.call('recentEvents', { query: { limit: 10 } });
  const [first] = events;
  expect(first, 'there is no event');
  const stream = client.listen(first.event_id);
  try {
    const missed = events.slice(1).map(({ event_id }) => event_id);
    await until(signal, async () =>
      missed.every((id) => stream.events.some((event) => event.event_id === id)) ? true : null,
    );
    return `${missed.length} missed events came again`;
  } finally {
    stream.close();
  }
}

async function restartServer({ client, holder }: SmokeParts, signal: AbortSignal): Promise<void> {
  const before = (await client.call('health', {})).uptime_seconds;
  const { controlPort: port, nonce } = holder;
  const answer = await askControlPort({ port, nonce, command: 'restart-server', timeoutMs: CONTROL_TIMEOUT_MS });
  expect(answer.kind === 'answered', 'the launcher does not answer');
  await until(signal, async () => {
    try {
      return (await client.call('health', {})).uptime_seconds < before ? true : null;
    } catch {
      // It is on its way down or up: that is what is waited for.
      return null;
    }
  });
}
