/** What is looked at, in the order in which it is told. */
export const CHECKS = {
  database: 'the database is whole',
  log: 'every document of the log replays, with nothing damaged or missing',
  bindings: 'whatever was written belongs to whom it says',
  projection: 'the database says of each session what the fold of its log says',
  watermarks: 'the database knows how far it has read the log',
  turns: 'every turn has its end, or a cause to go on',
  rows: 'nothing is half written without somebody who writes it',
  accounts: 'somebody can open the door',
} as const;
export type CheckName = keyof typeof CHECKS;

/** Problems told of one check; the rest are counted. */
const MAX_TOLD = 3;

/** What was found wrong, by check. */
export class Findings {
  readonly #problems = new Map<CheckName, { readonly told: string[]; count: number }>();

  /** @param problem without a full stop */
  add(check: CheckName, problem: string): void {
    const found = this.#problems.get(check) ?? { told: [], count: 0 };
    this.#problems.set(check, found);
    found.count++;
    if (found.told.length < MAX_TOLD) found.told.push(problem);
  }

  has(check: CheckName): boolean {
    return this.#problems.has(check);
  }

  get areNone(): boolean {
    return this.#problems.size === 0;
  }

  /** One line for each check. */
  lines(): readonly string[] {
    // reason: the keys of CHECKS are its type's
    return (Object.keys(CHECKS) as CheckName[]).map((check) => {
      const found = this.#problems.get(check);
      if (!found) return `pass  ${check}: ${CHECKS[check]}`;
      const more = found.count > found.told.length ? [`and ${found.count - found.told.length} more`] : [];
      return `FAIL  ${check}: ${[...found.told, ...more].join('; ')}`;
    });
  }
}
