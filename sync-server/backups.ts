import { BACKUP_MAX_MS } from '../persistence/backup/backup-bounds.ts';
import type { BackupRequest } from './backup-requests.ts';
import { OfficeError } from './protocol/errors.ts';

/** The one backup that may be under way. */
export class Backups {
  readonly #make: (request: BackupRequest, signal: AbortSignal) => Promise<string>;
  readonly #closing = new AbortController();
  #current: Promise<string> | null = null;

  constructor(make: (request: BackupRequest, signal: AbortSignal) => Promise<string>) {
    this.#make = make;
  }

  async make(request: BackupRequest): Promise<string> {
    if (this.#current) throw new OfficeError('conflict', 'A backup is being made already.');
    try {
      this.#current = this.#make(request, AbortSignal.any([this.#closing.signal, AbortSignal.timeout(BACKUP_MAX_MS)]));
      return await this.#current;
    } finally {
      this.#current = null;
    }
  }

  /** Ends the one under way; nothing of it is left when this resolves. */
  async callOff(): Promise<void> {
    this.#closing.abort();
    // Whoever asked for it hears why it failed.
    await this.#current?.catch(() => undefined);
  }
}
