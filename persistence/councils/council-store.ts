import type { Database } from '../database.ts';

/** Which councils and seats are switched on. Who they are is in the organisation; this is what the owner changed. */
export class CouncilStore {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#sql = prepare(database);
  }

  isCouncilEnabled(councilId: string): boolean {
    return this.#isOn(councilId, '');
  }

  isSeatEnabled(councilId: string, seatId: string): boolean {
    return this.#isOn(councilId, seatId);
  }

  /** Switches to the other state; answers whether it is on now. */
  toggleCouncil(councilId: string): boolean {
    return this.#toggle(councilId, '');
  }

  /** Switches to the other state; answers whether it is on now. */
  toggleSeat(councilId: string, seatId: string): boolean {
    return this.#toggle(councilId, seatId);
  }

  #isOn(councilId: string, seatId: string): boolean {
    return this.#sql.read.get(councilId, seatId)?.is_enabled !== 0;
  }

  #toggle(councilId: string, seatId: string): boolean {
    const isOn = !this.#isOn(councilId, seatId);
    this.#sql.write.run(councilId, seatId, isOn ? 1 : 0);
    return isOn;
  }
}

const prepare = (database: Database) => ({
  read: database.prepare<[string, string], { is_enabled: number }>(
    'SELECT is_enabled FROM council_switches WHERE council_id = ? AND seat_id = ?',
  ),
  write: database.prepare<[string, string, number]>(
    `INSERT INTO council_switches (council_id, seat_id, is_enabled) VALUES (?, ?, ?)
     ON CONFLICT (council_id, seat_id) DO UPDATE SET is_enabled = excluded.is_enabled`,
  ),
});
