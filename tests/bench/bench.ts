// npm run bench: the office beside other Yjs servers and a bare relay, each in a process of its own, in one run.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { measureColdOpen } from './cold-open.ts';
import { type FanOutResult, type FanOutShape, measureFanOut } from './fan-out.ts';
import { installPeers } from './install-peers.ts';
import { measureKill } from './kill.ts';
import { median } from './numbers.ts';
import { measureOffice } from './office-figures.ts';
import { type Part, type Plan, readPlan } from './plan.ts';
import { measureReceipts } from './receipts.ts';
import { kilobytes, megabytes, number, type Row, table, times } from './report.ts';
import { measureRoomLife } from './room-life.ts';
import { SUBJECTS, type Subject, subjectNamed } from './subjects.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const KEEPERS = SUBJECTS.filter(({ keeps }) => keeps);

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Runs with an empty folder that is gone afterwards. */
async function inFolder<Result>(run: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'daena-bench-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Rounds go through all servers in turn, so that a busy moment of the machine does not hit only one of them. */
async function fanOut(shape: FanOutShape, plan: Plan): Promise<object> {
  const rounds = new Map<Subject, FanOutResult[]>(SUBJECTS.map((subject) => [subject, []]));
  for (let round = 0; round < plan.fanOutRounds; round++) {
    for (const [subject, results] of rounds) {
      const isProfiled = subject.name === 'daena' && plan.profileFolder !== null;
      const nodeOptions = isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${plan.profileFolder}`] : [];
      results.push(
        await inFolder((folder) => measureFanOut(subject, { folder, shape, measuredMs: plan.measuredMs, nodeOptions })),
      );
    }
  }
  const middle = new Map(
    [...rounds].map(([subject, results]) => [
      subject.name,
      {
        cpuPerDeliveryMicros: median(results.map((result) => result.cpuPerDeliveryMicros)),
        p50Ms: median(results.map((result) => result.p50Ms)),
        p99Ms: median(results.map((result) => result.p99Ms)),
        missing: Math.max(...results.map((result) => result.missing)),
        loadShare: median(results.map((result) => result.loadShare)),
      },
    ]),
  );
  const floor = middle.get('floor');
  const rows = [...middle].map(([name, result]): Row => {
    const ratio = floor ? result.cpuPerDeliveryMicros / floor.cpuPerDeliveryMicros : Number.NaN;
    const cells = [number(result.cpuPerDeliveryMicros), times(ratio), number(result.p50Ms, 2), number(result.p99Ms, 1)];
    return [name, ...cells, String(result.missing), number(result.loadShare, 2)];
  });
  const { rooms, peers, messagesPerSecond } = shape;
  const header = ['server', 'CPU us/delivery', 'to floor', 'p50 ms', 'p99 ms', 'missing', 'load'];
  say(table(`Fan-out: ${rooms} rooms x ${peers} peers, ${messagesPerSecond} messages/s in each`, header, rows));
  return {
    shape,
    rounds: Object.fromEntries([...rounds].map(([subject, results]) => [subject.name, results])),
    middle: Object.fromEntries(middle),
  };
}

async function receipts(plan: Plan): Promise<object> {
  const result = await inFolder((folder) =>
    measureReceipts(subjectNamed('daena'), { folder, measuredMs: plan.measuredMs }),
  );
  const row = ['daena', number(result.p50Ms, 2), number(result.p95Ms, 2), String(result.missing)];
  say(table(`Receipts at ${result.perSecond} updates/s`, ['server', 'p50 ms', 'p95 ms', 'missing'], [row]));
  return result;
}

async function coldOpen(plan: Plan): Promise<object> {
  const results = [];
  for (const messages of plan.chatSizes) {
    for (const subject of KEEPERS) {
      results.push({
        server: subject.name,
        ...(await inFolder((folder) => measureColdOpen(subject, { folder, messages }))),
      });
    }
  }
  const rows = results.map(({ server, messages, openMs, bytes, heldBytes, failure }): Row => {
    const cells = [number(openMs, 0), kilobytes(bytes), megabytes(heldBytes), failure ?? ''];
    return [server, String(messages), ...cells];
  });
  say(
    table(
      'Cold open of a chat (time and bytes until a new peer shows it)',
      ['server', 'messages', 'ms', 'KiB', 'MiB held', ''],
      rows,
    ),
  );
  return results;
}

/** All servers at the same time: memory does not mind, and most of the time is waiting. */
async function rooms(plan: Plan): Promise<object> {
  const results = await Promise.all(
    KEEPERS.map((subject) =>
      inFolder(async (folder) => ({
        server: subject.name,
        ...(await measureRoomLife(subject, { folder, rooms: plan.rooms })),
      })),
    ),
  );
  const rows = results.map((result): Row => {
    const held = [result.beforeBytes, result.duringBytes, result.afterBytes].map(megabytes);
    const rss = [result.rssBeforeBytes, result.rssDuringBytes, result.rssAfterBytes].map(megabytes).join(' / ');
    return [result.server, ...held, times(result.afterBytes / result.beforeBytes), rss];
  });
  const header = ['server', 'before MiB', 'during', 'after', 'after/before', 'rss'];
  say(table(`${plan.rooms} rooms opened and closed (memory held)`, header, rows));
  return results;
}

async function kill(plan: Plan): Promise<object> {
  const [from, to] = plan.killAfterMs;
  const results = [];
  for (const subject of KEEPERS) {
    const loadMs = (): number => from + Math.random() * (to - from);
    results.push({
      server: subject.name,
      ...(await inFolder((folder) => measureKill(subject, { folder, kills: plan.kills, loadMs }))),
    });
  }
  const rows = results.map(
    ({ server, kills, shown, lost }): Row => [server, String(kills), String(shown), String(lost)],
  );
  say(table('Entries lost after kill -9 under load', ['server', 'kills', 'shown', 'lost'], rows));
  return results;
}

async function office(): Promise<object> {
  const result = await inFolder((folder) => measureOffice({ folder }));
  const rows = [
    ['warm start until ready, s', number(result.warmStartMs / 1000, 2)],
    [`first load of the client (${result.firstLoadFiles} files), KiB gzip`, kilobytes(result.firstLoadBytes)],
  ];
  say(table('The office', ['figure', ''], rows));
  return result;
}

async function run(plan: Plan): Promise<void> {
  installPeers(say);
  const startedAt = new Date();
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version };
  say(
    `${machine.cores} cores (${machine.cpu}), Node ${machine.node}, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  const parts: Record<Part, () => Promise<object>> = {
    'fan-out': async () => {
      const shapes = [];
      for (const shape of plan.shapes) shapes.push(await fanOut(shape, plan));
      return shapes;
    },
    receipts: () => receipts(plan),
    'cold-open': () => coldOpen(plan),
    rooms: () => rooms(plan),
    kill: () => kill(plan),
    office,
  };
  const results: Partial<Record<Part, object>> = {};
  for (const part of plan.parts) {
    // While the rooms wait to be forgotten there is time for the kills: neither is about speed.
    if (part === 'kill' && plan.parts.has('rooms')) continue;
    if (part === 'rooms' && plan.parts.has('kill'))
      [results.rooms, results.kill] = await Promise.all([rooms(plan), kill(plan)]);
    else results[part] = await parts[part]();
  }
  const stamp = startedAt.toISOString().replaceAll(':', '-');
  const file = resolve(plan.json ?? join(ROOT, '.cache', 'bench', `${stamp}.json`));
  mkdirSync(dirname(file), { recursive: true });
  const seconds = (Date.now() - startedAt.getTime()) / 1000;
  const report = { startedAt, seconds, isQuick: plan.isQuick, machine, loadAverage: loadavg(), results };
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  say(`\n${seconds.toFixed(0)} s. Written to ${file}`);
}

try {
  await run(readPlan(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
