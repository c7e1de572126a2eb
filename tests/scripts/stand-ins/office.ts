// The real launcher with stand-ins for the programs that it starts, and short bounds.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDaena } from '../../../scripts/start.ts';

process.exitCode = await startDaena(process.argv.slice(2), {
  entries: {
    server: join(import.meta.dirname, 'server.ts'),
    agents: join(import.meta.dirname, 'agents.ts'),
  },
  bounds: { firstDelayMs: 50, longestDelayMs: 400, settledMs: 60_000, stopMs: 1_000, termMs: 500 },
  buildClient: async () => ({ kind: 'fresh' }),
  seeToOllama: async () => [],
  openBrowser: (url) => appendFileSync(process.env.STAND_IN_BROWSER ?? '', `${url}\n`),
});
