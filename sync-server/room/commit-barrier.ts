/**
 * Holds back whatever depends on changes that are not durable yet. Changes are numbered as they are applied; what is
 * said after a change waits until the log has it, and everything is said in the order in which it was decided.
 */
export class CommitBarrier {
  #applied = 0;
  #committed = 0;
  readonly #waiting: { after: number; run: () => void }[] = [];

  /** A change was applied; answers its number. */
  applied(): number {
    return ++this.#applied;
  }

  /** The log has every change up to and including `number`. */
  committed(number: number): void {
    this.#committed = number;
    while (this.#waiting[0] && this.#waiting[0].after <= number) this.#waiting.shift()?.run();
  }

  /** Runs once all that is applied now is durable: at once where it is. */
  afterCommit(run: () => void): void {
    if (this.uncommitted === 0 && this.#waiting.length === 0) run();
    else this.#waiting.push({ after: this.#applied, run });
  }

  /** Changes that the log does not have yet. */
  get uncommitted(): number {
    return this.#applied - this.#committed;
  }
}
