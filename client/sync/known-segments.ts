import { z } from 'zod';
import { readJson, type Shelf, writeJson } from './device.ts';

/** Segments with unsent entries that are remembered of one session: somebody offline writes into one, and seldom two. */
const MAX_UNSENT = 50;

const knownSchema = z.object({ newest: z.int().positive().nullable(), unsent: z.array(z.int().positive()) });
type Known = z.infer<typeof knownSchema>;

/**
 * What this device remembers of a session's segments between two visits: the newest that it has heard of, and those that
 * hold entries of its person which the office is not known to have. Tabs share it, so it is read before each change.
 */
export class KnownSegments {
  readonly #shelf: Shelf;
  readonly #key: string;

  constructor(shelf: Shelf, userId: string, sessionId: string) {
    this.#shelf = shelf;
    this.#key = `daena/${userId}/segments/${sessionId}`;
  }

  /** null where nothing is remembered. */
  get newest(): number | null {
    return this.#stored().newest;
  }

  /** Ascending. */
  get unsent(): readonly number[] {
    return this.#stored().unsent.toSorted((a, b) => a - b);
  }

  /** Moves the newest forward, never back. */
  heardOf(segment: number): void {
    const known = this.#stored();
    if (segment > (known.newest ?? 0)) this.#store({ ...known, newest: segment });
  }

  /** The office has no segment above this one, whatever was heard. */
  turnBack(segment: number): void {
    this.#store({ ...this.#stored(), newest: segment });
  }

  noteUnsent(segment: number): void {
    const known = this.#stored();
    if (known.unsent.includes(segment)) return;
    this.#store({ ...known, unsent: [...known.unsent, segment].slice(-MAX_UNSENT) });
  }

  noteSent(segment: number): void {
    const known = this.#stored();
    if (known.unsent.includes(segment)) {
      this.#store({ ...known, unsent: known.unsent.filter((other) => other !== segment) });
    }
  }

  #stored(): Known {
    const parsed = knownSchema.safeParse(readJson(this.#shelf, this.#key));
    return parsed.success ? parsed.data : { newest: null, unsent: [] };
  }

  #store(known: Known): void {
    writeJson(this.#shelf, this.#key, known);
  }
}
