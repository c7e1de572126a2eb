import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../persistence/database.ts';
import { treatOffice } from '../../scripts/doctor/treat.ts';
import { openHeldOffice } from '../support/office-in-process.ts';

const LIMITS = { entries: 5, bytes: 100_000, sealedEntries: 40, sealedBytes: 200_000 };

test('[PJ4] [SG5] a session of many segments is found well, and is rebuilt from them as it was', async () => {
  const office = await openHeldOffice({ segmentLimits: LIMITS });
  const { caller } = office.owner;
  const { session_id: id } = await caller.call('startChat', { body: { scope_type: 'general' } });
  for (let n = 1; n <= 58; n++) await caller.call('postMessage', { params: { id }, body: { content: `message ${n}` } });
  const page = { params: { id, n: '11' } };
  const etag = (await caller.send('segment', page)).headers.get('etag');
  const { session } = await caller.call('session', { params: { id } });
  expect(session.documents.live).toBe(`session/${id}/12`);
  const { messages } = await caller.call('messages', { params: { id }, query: { limit: 200 } });
  await office.close();
  const { dataFolder } = office;
  const lines: string[] = [];
  const treatment = { dataFolder, say: (line: string) => void lines.push(line), signal: AbortSignal.timeout(30_000) };
  expect(await treatOffice({ ...treatment, isRepairing: false }), lines.join('\n')).toBe(true);
  const database = openDatabase(join(dataFolder, 'daena.sqlite'));
  database.exec(`UPDATE chat_sessions SET live_segment = 3; DELETE FROM chat_entries WHERE segment = 7`);
  database.close();
  expect(await treatOffice({ ...treatment, isRepairing: false })).toBe(false);
  expect(await treatOffice({ ...treatment, isRepairing: true })).toBe(true);
  const again = await openHeldOffice({ dataFolder, segmentLimits: LIMITS });
  const read = again.owner.caller;
  expect((await read.call('session', { params: { id } })).session.documents.live).toBe(`session/${id}/12`);
  expect((await read.call('messages', { params: { id }, query: { limit: 200 } })).messages).toEqual(messages);
  // Pages that devices keep are still good after it.
  const kept = await read.send('segment', page, { headers: { 'if-none-match': etag ?? '' } });
  expect(kept.status).toBe(304);
});
