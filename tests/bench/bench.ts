// npm run bench: the office beside other Yjs servers and a bare relay, each in a process of its own, in one run.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { measureColdOpen } from './cold-open.ts';
import { compareFanOut, comparisonJson, type FanOutComparison, fanOutTable } from './fan-out-rounds.ts';
import { inFolder } from './in-folder.ts';
import { installPeers } from './install-peers.ts';
import { measureKill } from './kill.ts';
import { median } from './numbers.ts';
import { measureOffice } from './office-figures.ts';
import { type Part, type Plan, readPlan } from './plan.ts';
import { measureReceipts, type ReceiptsResult } from './receipts.ts';
import { kilobytes, megabytes, number, type Row, table, times } from './report.ts';
import { measureRoomLife } from './room-life.ts';
import { SUBJECTS, subjectNamed } from './subjects.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const KEEPERS = SUBJECTS.filter(({ keeps }) => keeps);

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function fanOut(plan: Plan): Promise<readonly FanOutComparison[]> {
  const comparisons: FanOutComparison[] = [];
  for (const shape of plan.shapes) {
    const comparison = await compareFanOut(shape, plan.fanOutRounds, plan);
    say(fanOutTable(comparison));
    comparisons.push(comparison);
  }
  return comparisons;
}

/** Everyone in one room, beside the many rooms that `known` holds or, where that part did not run, are measured now. */
async function crowd(plan: Plan, known: readonly FanOutComparison[]): Promise<readonly FanOutComparison[]> {
  const [usual] = known.length > 0 ? known : await fanOut({ ...plan, shapes: plan.shapes.slice(0, 1) });
  const comparison = await compareFanOut(plan.crowd, plan.crowdRounds, plan);
  say(fanOutTable(comparison, usual));
  return [comparison, ...(usual && known.length === 0 ? [usual] : [])];
}

async function receipts(plan: Plan): Promise<object> {
  const { warmUpMs, measuredMs } = plan;
  const rounds: ReceiptsResult[] = [];
  while (rounds.length < plan.receiptRounds) {
    rounds.push(await inFolder((folder) => measureReceipts(subjectNamed('daena'), { folder, warmUpMs, measuredMs })));
  }
  const [p50Ms, p95Ms] = [median(rounds.map((round) => round.p50Ms)), median(rounds.map((round) => round.p95Ms))];
  const missing = Math.max(...rounds.map((round) => round.missing));
  const perSecond = rounds[0]?.perSecond ?? 0;
  const row = ['daena', number(p50Ms, 2), number(p95Ms, 2), String(missing)];
  say(table(`Receipts at ${perSecond} updates/s`, ['server', 'p50 ms', 'p95 ms', 'missing'], [row]));
  return { perSecond, p50Ms, p95Ms, missing, rounds };
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
  const shortest = new Map(
    results.filter(({ messages }) => messages === plan.chatSizes[0]).map((each) => [each.server, each]),
  );
  const rows = results.map(({ server, messages, openMs, bytes, heldBytes, failure }): Row => {
    const ratio = openMs / (shortest.get(server)?.openMs ?? Number.NaN);
    const cells = [number(openMs, 0), times(ratio), kilobytes(bytes), megabytes(heldBytes), failure ?? ''];
    return [server, String(messages), ...cells];
  });
  const header = ['server', 'messages', 'ms', 'to the shortest', 'KiB', 'MiB held', ''];
  say(table('Cold open of a chat (time and bytes until the first screen of a new peer)', header, rows));
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

async function office({ starts }: Plan): Promise<object> {
  const result = await inFolder((folder) => measureOffice({ folder, starts }));
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
  let fanOuts: readonly FanOutComparison[] = [];
  const parts: Record<Part, () => Promise<object>> = {
    'fan-out': async () => {
      fanOuts = await fanOut(plan);
      return fanOuts.map(comparisonJson);
    },
    crowd: async () => (await crowd(plan, fanOuts)).map(comparisonJson),
    receipts: () => receipts(plan),
    'cold-open': () => coldOpen(plan),
    rooms: () => rooms(plan),
    kill: () => kill(plan),
    office: () => office(plan),
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
