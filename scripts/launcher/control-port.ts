// The loopback port on which a running office proves that it lives, and takes the request to stop, to restart
// its server or to make a backup.
//
//   asker  -> {"command": "alive" | "stop" | "restart-server", "challenge": hex, "proof": HMAC(nonce, command + challenge)}\n
//   office -> {"proof": HMAC(nonce, "answer" + challenge), "address": "http://..."}\n
//
//   asker  -> {"command": "backup", "into": folder, "keep": number, challenge, proof of command + into + keep}\n
//   office -> the same, when the backup is whole, with "folder", or with "problem" where there is none\n
//
// The nonce stands in the lock file, which only its owner may read. So another user of the machine can't stop the
// office, and a stranger who got the same port later (or the same process id) can't pass for it.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { BACKUP_MAX_MS } from '../../persistence/backup/backup-bounds.ts';
import { type BackupOutcome, backupOutcomeOf } from './program-messages.ts';

export type ControlCommand = 'alive' | 'stop' | 'restart-server';

/** Where a backup goes (absolute), and how many of the office's backups stay there. */
export type BackupOrder = Readonly<{ into: string; keep: number }>;

/** What an office does when it is asked. All may be called more than once. */
export type ControlRequests = Readonly<{
  nonce: string;
  address: () => string;
  onStop: () => void;
  onRestartServer: () => void;
  /** Resolves when the backup is whole, or with why there is none; absent where none can be made. */
  onBackup?: (order: BackupOrder) => Promise<BackupOutcome>;
}>;

export type ControlAnswer =
  /** The office that wrote the nonce is alive (and has taken the request). */
  Readonly<{ kind: 'answered'; address: string }> | NoAnswer;

type NoAnswer =
  /** Nobody listens there, or somebody who doesn't know the nonce: that office is gone. */
  | Readonly<{ kind: 'gone' }>
  /** Somebody listens and says nothing. */
  | Readonly<{ kind: 'silent' }>;

const LOOPBACK = '127.0.0.1';
const LINE_MAX_CHARACTERS = 4096;
const CONNECTIONS_MAX = 32;
const CONNECTION_MAX_MS = 5_000;
/** The server gives a backup up by itself; this is for when it does not even do that. */
const BACKUP_CONNECTION_MS = BACKUP_MAX_MS + 60_000;

export class ControlPort {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** Listens on a free loopback port. `address` is asked at each answer. */
  static async open(parts: ControlRequests): Promise<ControlPort> {
    const server = createServer((socket) => answerOn(socket, parts));
    server.maxConnections = CONNECTIONS_MAX;
    const port = new ControlPort(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, LOOPBACK, resolve);
    });
    return port;
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** Asks whoever listens on a control port. Never rejects; answers within `timeoutMs`. */
export async function askControlPort(question: {
  port: number;
  nonce: string;
  command: ControlCommand;
  timeoutMs: number;
}): Promise<ControlAnswer> {
  const { command } = question;
  const answer = await ask({ ...question, fields: { command }, purpose: command });
  return answer.kind === 'answered' ? { kind: 'answered', address: answer.fields.address ?? '' } : answer;
}

/** Has the office behind a control port make a backup; resolves when that is whole. Never rejects. */
export async function askForBackup(
  question: { port: number; nonce: string } & BackupOrder,
): Promise<Readonly<{ kind: 'answered'; outcome: BackupOutcome }> | NoAnswer> {
  const { port, nonce, into } = question;
  const order = { into, keep: String(question.keep) };
  const answer = await ask({
    port,
    nonce,
    timeoutMs: BACKUP_CONNECTION_MS,
    fields: { command: 'backup', ...order },
    purpose: backupPurpose(order),
  });
  if (answer.kind !== 'answered') return answer;
  const { folder = null, problem = null } = answer.fields;
  return { kind: 'answered', outcome: backupOutcomeOf(folder, problem) };
}

type Fields = Readonly<Record<string, string | undefined>>;

function ask(question: {
  port: number;
  nonce: string;
  timeoutMs: number;
  fields: Fields;
  purpose: string;
}): Promise<Readonly<{ kind: 'answered'; fields: Fields }> | NoAnswer> {
  const { port, nonce, timeoutMs, fields, purpose } = question;
  const challenge = randomBytes(16).toString('hex');
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK });
    const end = (answer: Readonly<{ kind: 'answered'; fields: Fields }> | NoAnswer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end({ kind: 'silent' }), timeoutMs);
    socket.once('error', () => end({ kind: 'gone' }));
    socket.once('close', () => end({ kind: 'gone' }));
    readLine(socket, (line) => {
      const answer = fieldsOf(line);
      const isProven = isSame(answer.proof, proofOf(nonce, 'answer', challenge));
      end(isProven ? { kind: 'answered', fields: answer } : { kind: 'gone' });
    });
    socket.write(`${JSON.stringify({ ...fields, challenge, proof: proofOf(nonce, purpose, challenge) })}\n`);
  });
}

function answerOn(socket: Socket, parts: ControlRequests): void {
  socket.setTimeout(CONNECTION_MAX_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  readLine(socket, (line) => {
    const { command = '', challenge, proof, into, keep } = fieldsOf(line);
    const purpose = command === 'backup' ? backupPurpose({ into, keep }) : command;
    const isAllowed = challenge !== undefined && isSame(proof, proofOf(parts.nonce, purpose, challenge));
    if (!isAllowed) {
      socket.destroy();
      return;
    }
    const answer = (rest: Fields = {}) => {
      const proven = { proof: proofOf(parts.nonce, 'answer', challenge), address: parts.address(), ...rest };
      socket.end(`${JSON.stringify(proven)}\n`);
    };
    if (command === 'backup') {
      socket.setTimeout(BACKUP_CONNECTION_MS);
      void backUp(parts, { into, keep }).then((outcome) =>
        answer(outcome.kind === 'made' ? { folder: outcome.folder } : { problem: outcome.problem }),
      );
      return;
    }
    answer();
    if (command === 'stop') parts.onStop();
    if (command === 'restart-server') parts.onRestartServer();
  });
}

async function backUp(parts: ControlRequests, { into, keep }: Fields): Promise<BackupOutcome> {
  if (!into || !keep || !parts.onBackup) return { kind: 'failed', problem: 'Nothing can be backed up there.' };
  return parts.onBackup({ into, keep: Number(keep) });
}

const backupPurpose = ({ into, keep }: Fields): string => JSON.stringify(['backup', into, keep]);

function readLine(socket: Socket, onLine: (line: string) => void): void {
  let text = '';
  let isRead = false;
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    if (isRead) return;
    text += chunk;
    const end = text.indexOf('\n');
    isRead = end >= 0 || text.length > LINE_MAX_CHARACTERS;
    if (isRead) onLine(end >= 0 ? text.slice(0, end) : '');
  });
}

/** The string fields of a JSON object; nothing for anything else. */
function fieldsOf(line: string): Record<string, string | undefined> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter(([, field]) => typeof field === 'string'));
  } catch {
    // Not JSON: a stranger, who proves nothing.
    return {};
  }
}

function proofOf(nonce: string, purpose: string, challenge: string): string {
  return createHmac('sha256', nonce).update(`${purpose}:${challenge}`).digest('hex');
}

function isSame(given: string | undefined, wanted: string): boolean {
  if (given === undefined || given.length !== wanted.length) return false;
  return timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
}
