// The real launcher and the real server, without a client to build, a model or agents.
import { join } from 'node:path';
import { DEFAULT_BOUNDS } from '../../../scripts/launcher/supervised-program.ts';
import { startDaena } from '../../../scripts/start.ts';

process.exitCode = await startDaena(process.argv.slice(2), {
  entries: {
    server: join(import.meta.dirname, '..', '..', '..', 'sync-server', 'main.ts'),
    agents: join(import.meta.dirname, 'agents.ts'),
  },
  bounds: DEFAULT_BOUNDS,
  buildClient: async () => ({ kind: 'fresh' }),
  seeToOllama: async () => [],
  openBrowser: () => undefined,
});
