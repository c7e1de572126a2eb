import type * as Y from 'yjs';
import type { Entry } from '../protocol/entry.ts';
import { entriesOf } from '../protocol/segment.ts';
import type { SegmentLimits } from './segment-roll.ts';

/** What a segment holds, counted once when it is opened and then as it grows. */
export class SegmentTally {
  #entryCount = 0;
  #sizeBytes = 0;
  #newestAt = 0;
  #isSealed = false;

  /** Reads no more of the entries than it counts: somebody waits, and they were judged when they came in. */
  constructor(doc: Y.Doc) {
    for (const value of entriesOf(doc).values()) {
      if (typeof value !== 'object' || value === null) continue;
      const at = 'at' in value && typeof value.at === 'number' ? value.at : 0;
      this.#count(value, at, 'kind' in value && value.kind === 'sealed');
    }
  }

  get entryCount(): number {
    return this.#entryCount;
  }

  /** Bytes (UTF-8) of the entries as JSON. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The newest `at` of any entry, in ms; 0 where there is none. */
  get newestAt(): number {
    return this.#newestAt;
  }

  /** Whether it holds the entry that ends it. */
  get isSealed(): boolean {
    return this.#isSealed;
  }

  add(entry: Entry): void {
    this.#count(entry, entry.at, entry.kind === 'sealed');
  }

  /** Whether so many further entries of so many bytes in all may enter: anything may, until it is sealed. */
  fits(count: number, sizeBytes: number, limits: SegmentLimits): boolean {
    if (!this.#isSealed) return true;
    return this.#entryCount + count <= limits.sealedEntries && this.#sizeBytes + sizeBytes <= limits.sealedBytes;
  }

  #count(value: object, at: number, isSealed: boolean): void {
    this.#entryCount++;
    this.#sizeBytes += Buffer.byteLength(JSON.stringify(value));
    this.#newestAt = Math.max(this.#newestAt, at);
    this.#isSealed ||= isSealed;
  }
}
