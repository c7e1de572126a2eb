import type { Below } from './written-entries.ts';

/** The longest that a frame is late, in ms. */
const MAX_LATE_MS = 40;

/** The line between a device and the office: it can lose frames, bring them twice, or late and out of order. */
export class Network {
  readonly #below: Below;
  isFaulty = false;

  constructor(below: Below) {
    this.#below = below;
  }

  carry(deliver: () => void): void {
    const fate = this.isFaulty ? this.#below(8) : 7;
    if (fate === 0) return;
    if (fate === 1) setTimeout(deliver, 1 + this.#below(MAX_LATE_MS));
    else deliver();
    if (fate === 2) deliver();
  }
}
