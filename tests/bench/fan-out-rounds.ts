/** Fan-out of all servers, several times over: what is told is the middle of the rounds. */
import { type FanOutResult, type FanOutShape, measureFanOut } from './fan-out.ts';
import { inFolder } from './in-folder.ts';
import { median } from './numbers.ts';
import type { Plan } from './plan.ts';
import { number, type Row, table, times } from './report.ts';
import { SUBJECTS, type Subject, type SubjectName } from './subjects.ts';

type Figures = Omit<FanOutResult, 'deliveries'>;

export interface FanOutComparison {
  readonly shape: FanOutShape;
  /** Per server, every round. */
  readonly rounds: Readonly<Record<string, readonly FanOutResult[]>>;
  readonly middle: ReadonlyMap<SubjectName, Figures>;
}

/**
 * Rounds go through all servers in turn, so that a busy moment of the machine does not hit only one of them, and each
 * round begins with another one, so that none is always first or always after the same.
 */
export async function compareFanOut(shape: FanOutShape, most: number, plan: Plan): Promise<FanOutComparison> {
  const rounds = new Map<Subject, FanOutResult[]>(SUBJECTS.map((subject) => [subject, []]));
  const startedAt = performance.now();
  for (let round = 0; round < most; round++) {
    const elapsedMs = performance.now() - startedAt;
    if (round > 0 && elapsedMs + elapsedMs / round > plan.shapeBudgetMs) break;
    for (const subject of [...SUBJECTS.slice(round % SUBJECTS.length), ...SUBJECTS.slice(0, round % SUBJECTS.length)]) {
      const isProfiled = subject.name === 'daena' && plan.profileFolder !== null;
      const nodeOptions = isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${plan.profileFolder}`] : [];
      const { warmUpMs, measuredMs } = plan;
      const result = await inFolder((folder) =>
        measureFanOut(subject, { folder, shape, warmUpMs, measuredMs, nodeOptions }),
      );
      rounds.get(subject)?.push(result);
    }
  }
  return {
    shape,
    rounds: Object.fromEntries([...rounds].map(([subject, results]) => [subject.name, results])),
    middle: new Map([...rounds].map(([subject, results]) => [subject.name, middleOf(results)])),
  };
}

const middleOf = (results: readonly FanOutResult[]): Figures => ({
  cpuPerDeliveryMicros: median(results.map((result) => result.cpuPerDeliveryMicros)),
  p50Ms: median(results.map((result) => result.p50Ms)),
  p99Ms: median(results.map((result) => result.p99Ms)),
  missing: Math.max(...results.map((result) => result.missing)),
  loadShare: median(results.map((result) => result.loadShare)),
});

const HEADER = ['server', 'CPU us/delivery', 'to floor', 'p50 ms', 'p99 ms', 'missing', 'load'];

/** With `usual`, a column that says how much dearer a delivery is than there. */
export function fanOutTable({ shape, rounds, middle }: FanOutComparison, usual?: FanOutComparison): string {
  const floor = middle.get('floor');
  const rows = [...middle].map(([name, result]): Row => {
    const { cpuPerDeliveryMicros: cost } = result;
    const usualCost = usual?.middle.get(name)?.cpuPerDeliveryMicros;
    return [
      name,
      number(cost),
      times(floor ? cost / floor.cpuPerDeliveryMicros : Number.NaN),
      number(result.p50Ms, 2),
      number(result.p99Ms, 1),
      String(result.missing),
      number(result.loadShare, 2),
      ...(usual ? [times(cost / (usualCost ?? Number.NaN))] : []),
    ];
  });
  const header = usual ? [...HEADER, `to ${usual.shape.rooms} x ${usual.shape.peers}`] : HEADER;
  const count = Math.max(...Object.values(rounds).map(({ length }) => length));
  const { peers, messagesPerSecond } = shape;
  const title = `Fan-out: ${shape.rooms} rooms x ${peers} peers, ${messagesPerSecond} messages/s in each (middle of ${count})`;
  return table(title, header, rows);
}

/** As JSON can hold it. */
export const comparisonJson = ({ shape, rounds, middle }: FanOutComparison): object => ({
  shape,
  rounds,
  middle: Object.fromEntries(middle),
});
