import { MemoryUpdateLog } from '../../persistence/log/memory-update-log.ts';
import { OfficeError } from '../../sync-server/protocol/errors.ts';

/** A log in memory whose commits can be held back, or refused. */
export class CommitGate {
  readonly log = new MemoryUpdateLog({ beforeCommit: () => this.#pass() });
  #held: PromiseWithResolvers<void> | null = null;
  #isRefusing = false;
  #waiting = 0;

  /** From now on no commit comes to its end. */
  hold(): void {
    this.#held = Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  set isRefusing(value: boolean) {
    this.#isRefusing = value;
  }

  /** Whether a commit is held back at this moment. */
  get isHolding(): boolean {
    return this.#waiting > 0;
  }

  async #pass(): Promise<void> {
    this.#waiting++;
    await this.#held?.promise;
    this.#waiting--;
    if (this.#isRefusing) throw new OfficeError('storage', 'the disk is full');
  }
}
