/**
 * Changes that were set aside: the gate let them in, and then they could not be applied. Each is a file of its own, whole,
 * so that whoever looks for the cause has what was sent. Nothing ever reads one back into a document.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** The folder of the data folder that they are in. */
export const QUARANTINE = 'quarantine';
/** Changes that are kept; the oldest make room. */
export const MAX_QUARANTINED = 100;
/** Bytes on the disk that all of them may take; the oldest make room, and the newest always stays. */
const MAX_QUARANTINED_BYTES = 64 * 1024 * 1024;
/** Changes that may wait to be written; those beyond are only told of. */
const MAX_WAITING = 8;

const NAME = /^\d{15}-[0-9a-f]{8}\.json$/;
const UNFINISHED = '.unfinished';

const quarantinedSchema = z.object({
  document: z.string(),
  /** Who sent it. */
  principal: z.string(),
  /** When, in ms. */
  at: z.int(),
  /** Why it could not be applied. */
  reason: z.string(),
  /** The update as it was sent, in base64. */
  update: z.base64(),
});
type QuarantinedFile = z.infer<typeof quarantinedSchema>;

export interface QuarantinedUpdate extends Omit<QuarantinedFile, 'update'> {
  readonly update: Uint8Array;
}

interface Kept {
  readonly name: string;
  readonly sizeBytes: number;
}

export class Quarantine {
  readonly #folder: string;
  readonly #onProblem: (problem: unknown) => void;
  readonly #kept: Kept[];
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();

  /** @param onProblem hears why one could not be kept; must not throw */
  constructor(folder: string, onProblem: (problem: unknown) => void) {
    this.#folder = folder;
    this.#onProblem = onProblem;
    try {
      this.#kept = keptIn(folder);
    } catch (problem) {
      // No reason for an office not to start.
      this.#kept = [];
      onProblem(problem);
    }
  }

  /** How many are kept. */
  get count(): number {
    return this.#kept.length;
  }

  /** Keeps one, as well as the disk lets it: returns at once, never throws. */
  put(update: QuarantinedUpdate): void {
    if (this.#waiting >= MAX_WAITING) {
      this.#onProblem(new Error('too many changes are being set aside at once'));
      return;
    }
    this.#waiting++;
    this.#tail = this.#tail
      .then(() => this.#write(update))
      .catch((error: unknown) => this.#onProblem(error))
      .finally(() => {
        this.#waiting--;
      });
  }

  /** Resolves when all that was put is on the disk, or was told as a problem. Never rejects. */
  settled(): Promise<void> {
    return this.#tail;
  }

  async #write({ update, ...rest }: QuarantinedUpdate): Promise<void> {
    const file: QuarantinedFile = { ...rest, update: Buffer.from(update).toString('base64') };
    const text = JSON.stringify(file);
    const name = `${String(rest.at).padStart(15, '0')}-${randomBytes(4).toString('hex')}.json`;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, name);
    await writeFile(`${path}${UNFINISHED}`, text, { mode: 0o600 });
    await rename(`${path}${UNFINISHED}`, path);
    this.#kept.push({ name, sizeBytes: Buffer.byteLength(text) });
    await this.#makeRoom();
  }

  async #makeRoom(): Promise<void> {
    let sizeBytes = this.#kept.reduce((sum, kept) => sum + kept.sizeBytes, 0);
    while (this.#kept.length > MAX_QUARANTINED || (sizeBytes > MAX_QUARANTINED_BYTES && this.#kept.length > 1)) {
      const oldest = this.#kept.shift();
      if (!oldest) return;
      sizeBytes -= oldest.sizeBytes;
      await rm(join(this.#folder, oldest.name), { force: true });
    }
  }
}

function keptIn(folder: string): Kept[] {
  try {
    const names = readdirSync(folder).filter((name) => NAME.test(name));
    return names.sort().map((name) => ({ name, sizeBytes: statSync(join(folder, name)).size }));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** What a folder keeps, oldest first, without what has rotted. Rejects where the folder cannot be read. */
export async function readQuarantine(folder: string): Promise<readonly QuarantinedUpdate[]> {
  const kept: QuarantinedUpdate[] = [];
  for (const name of await namesIn(folder)) {
    const parsed = quarantinedSchema.safeParse(jsonOf(await readFile(join(folder, name), 'utf8')));
    if (!parsed.success) continue;
    const { update, ...rest } = parsed.data;
    kept.push({ ...rest, update: new Uint8Array(Buffer.from(update, 'base64')) });
  }
  return kept;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => NAME.test(name)).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Cut off by a full disk: it holds nothing that could be told.
    return null;
  }
}
